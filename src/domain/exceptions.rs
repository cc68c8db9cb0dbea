//! What a person should look at in one workflow, found by rules over its facts. One exception per cause: its id is a
//! hash of kind, object and cause, so that it is the same one whenever and wherever it is derived. A file per subject.
//!
//! A rule tells all episodes of its kind, those that ended with what ended them. One that lies in the future (a grace
//! that still runs) is not there yet and only says when to look again.

mod authority;
mod billing;
pub mod case;
pub mod catalogue;
mod conflicts;
mod credit;
pub mod dependency;
mod effects;
mod freight;
mod quantities;
mod reports;
mod settlement;
mod shipment;
mod sla;
mod stock;
mod unbilled;
pub mod watch;

use std::hash::{Hash, Hasher};

use chrono::{DateTime, TimeDelta, Utc};
use milepost_ingest::ObjectRef;
use twox_hash::XxHash64;

use super::fact::Fact;
use super::lines::Lines;
use super::readiness::Books;
use super::tree::Tree;
use super::{Cured, Discrepancy, EventKey, Exception, Milestone, Sla};
pub use sla::foreseen;

/// Exceptions as of a moment.
#[derive(Debug, Default)]
pub struct Found {
    pub open: Vec<Exception>,
    pub cured: Vec<Exception>,
    /// When time alone raises the next.
    pub wakes_at: Option<DateTime<Utc>>,
}

/// `books` are those of an order. `ended` is the fact that ended the workflow, where it has ended.
#[expect(clippy::too_many_arguments, reason = "all that is known of a workflow, each read once")]
pub fn exceptions(
    tree: &Tree,
    lines: &Lines,
    milestones: &[Milestone],
    slas: &[Sla],
    books: Option<&Books<'_>>,
    discrepancies: &[Discrepancy],
    ended: Option<&Fact>,
    as_of: DateTime<Utc>,
) -> Found {
    let root = tree.root();
    let mut found = Vec::new();
    credit::credit_hold(root, &mut found);
    stock::backorder(tree, lines, &mut found);
    for node in tree.of_kind("shipment") {
        shipment::short_shipment(node, lines, tree, &mut found);
        shipment::packing_variance(node, &mut found);
    }
    shipment::partial_shipment(tree, lines, milestones, &mut found);
    shipment::missing_pod(tree, milestones, &mut found);
    if let Some(books) = books {
        unbilled::unbilled_shipment(tree, books, &mut found);
    }
    billing::billing(discrepancies, &mut found);
    freight::freight(tree, &mut found);
    settlement::unsettled(tree, &mut found);
    quantities::impossible(root, lines, &mut found);
    conflicts::conflicts(tree, &mut found);
    for node in &tree.nodes {
        authority::unauthorised(node, &mut found);
        reports::reports(node, &mut found);
        reports::message_failed(node, &mut found);
        effects::without_effect(tree, node, milestones, &mut found);
    }
    sla::clocks(slas, &mut found);
    sift(found, ended, as_of)
}

/// Kinds about money that was billed wrongly: they outlive their workflow.
const OUTLIVING: [&str; 7] = [
    "over_invoiced",
    "premature_invoice",
    "under_invoiced",
    "duplicate_invoice",
    "price_mismatch",
    "credit_without_return",
    "freight_overcharge",
];

fn sift(found: Vec<Exception>, ended: Option<&Fact>, as_of: DateTime<Utc>) -> Found {
    let mut result = Found::default();
    for mut exception in found {
        if exception.since > as_of {
            let wakes_at = result.wakes_at.map_or(exception.since, |at| at.min(exception.since));
            result.wakes_at = Some(wakes_at);
            continue;
        }
        if exception.cured.is_none()
            && let Some(fact) = ended.filter(|_| !OUTLIVING.contains(&exception.kind.as_str()))
        {
            exception.cured = Some(Cured::by(fact));
        }
        match &exception.cured {
            None => result.open.push(exception),
            // Known together with its cure, it was never there: history that was loaded, or a batch.
            Some(cured) if cured.known_at > exception.known_at => result.cured.push(exception),
            Some(_) => {}
        }
    }
    let place = |a: &Exception, b: &Exception| {
        (!a.blocking, a.since, &a.kind, &a.object).cmp(&(!b.blocking, b.since, &b.kind, &b.object))
    };
    result.open.sort_by(place);
    result.cured.sort_by(place);
    result
}

/// Pushes an exception, and gives it for what there is to add.
fn raise<'f>(
    found: &'f mut Vec<Exception>,
    kind: &str,
    object: &ObjectRef,
    detail: String,
    since: DateTime<Utc>,
    system: &str,
    blocking: bool,
) -> &'f mut Exception {
    raise_for(found, "", kind, object, detail, since, system, blocking)
}

/// An exception of which an object may have several, told apart by their cause: a policy, a line.
#[expect(clippy::too_many_arguments, reason = "the fields of an exception, named where it is raised")]
fn raise_for<'f>(
    found: &'f mut Vec<Exception>,
    cause: &str,
    kind: &str,
    object: &ObjectRef,
    detail: String,
    since: DateTime<Utc>,
    system: &str,
    blocking: bool,
) -> &'f mut Exception {
    let id = exception_id(kind, object, cause);
    let (kind, object, system) = (kind.to_owned(), object.clone(), system.to_owned());
    found.push(Exception { id, kind, object, detail, since, system, blocking, known_at: since, cured: None });
    found.last_mut().expect("pushed above")
}

impl Exception {
    /// It could not be known before this fact was received.
    pub fn known_by(&mut self, fact: &Fact) -> &mut Self {
        self.known_at = self.known_at.max(fact.received_at);
        self
    }

    /// After a grace in which it may cure itself.
    fn after(&mut self, grace: TimeDelta) -> &mut Self {
        self.since += grace;
        self.known_at = self.known_at.max(self.since);
        self
    }

    /// It ended with this fact, if there is one.
    pub fn cured_by(&mut self, fact: Option<&Fact>) -> &mut Self {
        self.cured = fact.map(Cured::by);
        self
    }
}

impl Cured {
    pub fn by(fact: &Fact) -> Self {
        Self {
            at: fact.occurred_at,
            known_at: fact.received_at.max(fact.occurred_at),
            event: Some(EventKey { source: fact.source.to_string(), id: fact.id.to_string() }),
            kind: fact.kind.to_string(),
        }
    }
}

/// 16 hexadecimal digits: XXH64 of kind, object and cause, kept in acts and in the store, so the function must not change.
pub fn exception_id(kind: &str, object: &ObjectRef, cause: &str) -> String {
    let mut hasher = XxHash64::with_seed(0);
    (kind, &object.kind, &object.id, cause).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn because(fact: &Fact) -> String {
    fact.detail.reason.as_deref().map_or_else(String::new, |r| format!(": {r}"))
}
