//! What a person should look at in one workflow, found by rules over its facts. One exception per cause: its id is a
//! hash of kind, object and cause, so that it is the same one whenever and wherever it is derived. A file per subject.

mod billing;
mod credit;
mod quantities;
mod reports;
mod shipment;
mod sla;
mod stock;

use std::hash::{Hash, Hasher};

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use twox_hash::XxHash64;

use super::fact::Fact;
use super::lines::Lines;
use super::tree::Tree;
use super::{Discrepancy, Exception, Sla};
pub use shipment::conflict_at;

pub fn exceptions(
    tree: &Tree,
    lines: &Lines,
    slas: &[Sla],
    discrepancies: &[Discrepancy],
    as_of: DateTime<Utc>,
) -> Vec<Exception> {
    let root = tree.root();
    let mut found = Vec::new();
    credit::credit_hold(root, &mut found);
    stock::backorder(tree, lines, &mut found);
    for node in tree.of_kind("shipment") {
        shipment::short_shipment(node, &mut found);
        shipment::packing_variance(node, &mut found);
        shipment::status_conflict(node, as_of, &mut found);
    }
    billing::billing(discrepancies, &mut found);
    quantities::impossible(root, lines, &mut found);
    for node in &tree.nodes {
        reports::reports(node, &mut found);
        reports::message_failed(node, &mut found);
    }
    sla::clocks(root, slas, &mut found);
    found.sort_by(|a, b| (!a.blocking, a.since, &a.kind, &a.object).cmp(&(!b.blocking, b.since, &b.kind, &b.object)));
    found
}

/// An exception of which an object has at most one of its kind.
fn raise(
    found: &mut Vec<Exception>,
    kind: &str,
    object: &ObjectRef,
    detail: String,
    since: DateTime<Utc>,
    system: &str,
    blocking: bool,
) {
    raise_for(found, "", kind, object, detail, since, system, blocking);
}

/// An exception of which an object may have several, told apart by their cause: a policy, a line.
#[expect(clippy::too_many_arguments, reason = "the fields of an exception, named where it is raised")]
fn raise_for(
    found: &mut Vec<Exception>,
    cause: &str,
    kind: &str,
    object: &ObjectRef,
    detail: String,
    since: DateTime<Utc>,
    system: &str,
    blocking: bool,
) {
    let id = exception_id(kind, object, cause);
    let (kind, object, system) = (kind.to_owned(), object.clone(), system.to_owned());
    found.push(Exception { id, kind, object, detail, since, system, blocking });
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
