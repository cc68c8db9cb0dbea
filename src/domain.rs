//! Meaning: objects, links, workflows. Pure functions of values; time is an argument.
//! Reading bytes is `ingest`'s business, keeping rows is `store`'s.

pub mod actions;
mod calendar;
mod definition;
mod derive;
mod exceptions;
mod fact;
pub mod failures;
mod flaws;
mod forecast;
mod graph;
mod landmarks;
mod lines;
mod milestones;

mod preview;
mod readiness;
mod reconciliation;
mod slas;
mod tree;
mod units;
pub mod views;
mod workflow;

pub use calendar::{Allowance, Calendar, Calendars};
pub use definition::{
    Definition, DefinitionError, Definitions, Difference, EventMatch, Files, Group, MIGRATED, MilestoneRule, Per,
    Quantity, RollUp, Rulebook, Shelf, allowance, duration,
};
pub use derive::{Fold, assemble, definition_of, derive, derive_by, fold, next_milestone};
pub use exceptions::case::{Case, CaseState, Circumstances, Impact, cases};
pub use exceptions::catalogue::{Assign, Catalogue, Kind, Place, Reason, Severity};
pub use exceptions::{dependency, exception_id, watch};
pub use fact::{Entry, Fact, decimal, effective};
pub use forecast::{Accuracy, Alike, Curve, Forecasts, forecast};
pub use graph::{Graph, Object, Standing, stands_alone};
pub use landmarks::{Landmarks, Promise};
pub use preview::{Comparison, Preview, Shift};
pub use readiness::{
    Billing, GROUPS as READINESS_GROUPS, Rules, VARIABLES as RULE_VARIABLES, built_in as readiness_rules,
    currency_places, written,
};
pub use reconciliation::KINDS as RECONCILIATION_KINDS;
pub use slas::{
    CalendarChoice, Limit, Narrowing, Pause, Reckoning, SlaKind, SlaRule, Stop, Subject, Traits, Warn, spoken,
};
pub use tree::{FLOW, Node, flow_position, systems_of_record};
pub use workflow::*;

#[cfg(test)]
mod tests;
