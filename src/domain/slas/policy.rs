//! What a policy says, and which of its cases applies to a workflow: the most specific one, with the reason in words.

use std::sync::Arc;

use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::domain::Money;
use crate::domain::calendar::{Allowance, Calendar, Calendars};
use crate::domain::definition::EventMatch;

/// One case of a policy: the base, or a narrower one that takes its place where it fits.
#[derive(Clone, Debug)]
pub struct SlaRule {
    pub key: String,
    /// Key of the policy that this is a case of; its own for a base.
    pub policy: String,
    pub title: String,
    pub kind: SlaKind,
    pub subject: Subject,
    pub limit: Limit,
    pub warn: Warn,
    /// States that stop the clock while they last.
    pub pauses: Vec<Pause>,
    pub calendar: CalendarChoice,
    pub only: Narrowing,
    /// Share of clocks that are to be met, for the line in charts.
    pub target: Decimal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SlaKind {
    Duration,
    Promise,
    Propagation,
    Silence,
    Completion,
}

impl SlaKind {
    pub const ALL: [Self; 5] = [Self::Duration, Self::Promise, Self::Propagation, Self::Silence, Self::Completion];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Promise => "promise",
            Self::Propagation => "propagation",
            Self::Silence => "silence",
            Self::Completion => "completion",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What is timed. Milestones by their place in the definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// From one milestone to another.
    Milestones { from: usize, to: usize },
    /// An event until another system knows of it; `milepost` is this house itself.
    Propagation { events: Vec<EventMatch>, of: Option<String>, known_to: String },
    /// Between two milestones no longer without word from these systems.
    Silence { from: usize, to: usize, systems: Vec<String> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    Within(Allowance),
    /// Field of the root that holds the due time: `promised_ship` or `promised_delivery`.
    Promise(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warn {
    /// After this share of the working time.
    Share(Decimal),
    /// With so much working time left.
    Left(TimeDelta),
}

/// A state that stops clocks: it begins with one event and ends with another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub key: String,
    /// `credit hold`, in a sentence.
    pub title: String,
    pub from: Vec<EventMatch>,
    pub until: Vec<EventMatch>,
}

/// Which calendar counts: a named one, or that of the site, the customer or the carrier where one serves it.
#[derive(Clone, Debug)]
pub struct CalendarChoice {
    pub by: Option<By>,
    pub otherwise: Arc<Calendar>,
    pub all: Arc<Calendars>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Warehouse,
    Customer,
    Carrier,
}

/// To which workflows a case is narrowed. An empty list does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    pub customers: Vec<String>,
    pub lanes: Vec<String>,
    pub carriers: Vec<String>,
    pub warehouses: Vec<String>,
    pub priorities: Vec<String>,
    /// At least this, in its currency; and less than that.
    pub value_from: Option<Money>,
    pub value_below: Option<Money>,
}

/// What of a workflow policies look at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traits {
    pub customer: Option<String>,
    pub priority: Option<String>,
    pub warehouse: Option<String>,
    pub carrier: Option<String>,
    pub lane: Option<String>,
    pub amount: Option<Money>,
}

impl CalendarChoice {
    pub fn of(&self, traits: &Traits) -> &Arc<Calendar> {
        let chosen = match self.by {
            None => None,
            Some(By::Warehouse) => traits.warehouse.as_deref().and_then(|name| self.all.of_warehouse(name)),
            Some(By::Customer) => traits.customer.as_deref().and_then(|name| self.all.of_customer(name)),
            Some(By::Carrier) => traits.carrier.as_deref().and_then(|name| self.all.of_carrier(name)),
        };
        chosen.unwrap_or(&self.otherwise)
    }

    /// `Berlin hours`, or `by warehouse, else around the clock`.
    pub fn said(&self) -> String {
        let by = match self.by {
            None => return self.otherwise.title.clone(),
            Some(By::Warehouse) => "warehouse",
            Some(By::Customer) => "customer",
            Some(By::Carrier) => "carrier",
        };
        format!("by {by}, else {}", self.otherwise.title)
    }
}

impl Narrowing {
    pub fn is_everything(&self) -> bool {
        self.weight() == (0, 0)
    }

    pub fn fits(&self, traits: &Traits) -> bool {
        let any = |wanted: &[String], has: &Option<String>| {
            wanted.is_empty() || has.as_ref().is_some_and(|has| wanted.contains(has))
        };
        any(&self.customers, &traits.customer)
            && any(&self.lanes, &traits.lane)
            && any(&self.carriers, &traits.carrier)
            && any(&self.warehouses, &traits.warehouse)
            && any(&self.priorities, &traits.priority)
            && self.value_from.as_ref().is_none_or(|least| {
                traits.amount.as_ref().is_some_and(|a| a.currency == least.currency && a.value >= least.value)
            })
            && self.value_below.as_ref().is_none_or(|limit| {
                traits.amount.as_ref().is_some_and(|a| a.currency == limit.currency && a.value < limit.value)
            })
    }

    /// How many things it looks at; among as many, a customer is more specific than a lane, and so on.
    fn weight(&self) -> (u32, u32) {
        let looks = [
            (!self.customers.is_empty(), 32),
            (!self.lanes.is_empty(), 16),
            (!self.carriers.is_empty(), 8),
            (!self.warehouses.is_empty(), 4),
            (!self.priorities.is_empty(), 2),
            (self.value_from.is_some() || self.value_below.is_some(), 1),
        ];
        looks.iter().filter(|(looks, _)| *looks).fold((0, 0), |(n, rank), (_, worth)| (n + 1, rank + worth))
    }

    /// `customer Acme, priority high or urgent, value from 10000 EUR`; empty when it is everything.
    pub fn said(&self) -> String {
        let list = |name: &str, words: &[String]| {
            if words.is_empty() { None } else { Some(format!("{name} {}", words.join(" or "))) }
        };
        let money = |name: &str, money: &Option<Money>| {
            money.as_ref().map(|m| format!("value {name} {} {}", m.value.normalize(), m.currency))
        };
        let parts = [
            list("customer", &self.customers),
            list("lane", &self.lanes),
            list("carrier", &self.carriers),
            list("warehouse", &self.warehouses),
            list("priority", &self.priorities),
            money("from", &self.value_from),
            money("below", &self.value_below),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Of each policy the case that applies, in the order of the file.
pub fn chosen<'r>(rules: &'r [SlaRule], traits: &Traits) -> Vec<&'r SlaRule> {
    let mut chosen: Vec<&SlaRule> = Vec::new();
    for rule in rules.iter().filter(|rule| rule.only.fits(traits)) {
        match chosen.iter_mut().find(|other| other.policy == rule.policy) {
            Some(other) if rule.only.weight() > other.only.weight() => *other = rule,
            Some(_) => {}
            None => chosen.push(rule),
        }
    }
    chosen
}

/// Why this case: what made it fit, and before whom it comes.
pub fn why(rules: &[SlaRule], rule: &SlaRule, traits: &Traits) -> String {
    let others = rules.iter().filter(|r| r.policy == rule.policy && r.key != rule.key);
    let fitting: Vec<&str> = others.clone().filter(|r| r.only.fits(traits)).map(|r| r.key.as_str()).collect();
    let narrowed = rule.only.said();
    match (narrowed.is_empty(), fitting.is_empty(), others.count()) {
        (true, _, 0) => "the policy for all".to_owned(),
        (true, ..) => "the policy for all; no narrower case fits".to_owned(),
        (false, true, _) => format!("applies to {narrowed}"),
        (false, false, _) => format!("applies to {narrowed}, which is more specific than {}", fitting.join(", ")),
    }
}
