//! What stays open on the way into the books: returns that nobody settles, stock changes that nobody posts.

use chrono::TimeDelta;

use super::raise;
use crate::domain::Exception;
use crate::domain::tree::Tree;

/// How long a return may take from its receipt to its settlement.
const RETURN_GRACE: TimeDelta = TimeDelta::days(5);
/// How long a change of stock may take from the warehouse to the ERP.
const POSTING_GRACE: TimeDelta = TimeDelta::hours(24);

pub fn unsettled(tree: &Tree, found: &mut Vec<Exception>) {
    for node in tree.of_kind("return") {
        let Some(received) = node.last("return.received") else { continue };
        let settled = node.facts.iter().find(|f| &*f.kind == "return.settled" && f.order() > received.order());
        let credited = tree.facts().find(|f| &*f.kind == "credit_note.issued" && f.order() > received.order());
        let detail = format!("{} is back and not settled", node.object.id);
        raise(found, "return_unsettled", &node.object, detail, received.occurred_at, "finance", false)
            .known_by(received)
            .after(RETURN_GRACE)
            .cured_by(settled.or(credited));
    }
    for node in tree.of_kind("inventory_movement") {
        let Some(adjusted) = node.last("inventory.adjusted") else { continue };
        let posted = node.facts.iter().find(|f| &*f.kind == "inventory.posted" && f.order() > adjusted.order());
        let detail = format!("{} is in the WMS and not in the ERP", node.object.id);
        raise(found, "inventory_unreconciled", &node.object, detail, adjusted.occurred_at, "erp", false)
            .known_by(adjusted)
            .after(POSTING_GRACE)
            .cured_by(posted);
    }
}
