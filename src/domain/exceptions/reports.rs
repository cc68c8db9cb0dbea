//! What systems and middleware report of their own accord, open until the object moves on.

use super::{because, raise};
use crate::domain::Exception;
use crate::domain::tree::Node;

/// Reports of one system that stay open until the same object moves on.
const REPORTS: [(&str, &str, &str, bool); 4] = [
    ("shipment.exception", "carrier_exception", "Carrier reports", false),
    ("billing.exception", "billing_exception", "Billing reports", true),
    ("load.tender_rejected", "tender_rejected", "Carrier rejected the tender", false),
    ("message.dead_lettered", "dead_lettered", "A message was given up", true),
];

pub fn reports(node: &Node, found: &mut Vec<Exception>) {
    for (kind, exception, words, blocking) in REPORTS {
        let Some(fact) = node.last(kind) else { continue };
        let moved_on = node.facts.iter().any(|f| f.order() > fact.order() && f.system == fact.system);
        if !moved_on {
            let detail = format!("{words} on {}{}", node.object, because(fact));
            raise(found, exception, &node.object, detail, fact.occurred_at, &fact.system, blocking);
        }
    }
}

/// Open until the message was delivered, or its sender moved the object on.
pub fn message_failed(node: &Node, found: &mut Vec<Exception>) {
    let Some(failed) = node.last("message.failed") else { return };
    let cured = node
        .facts
        .iter()
        .any(|f| f.order() > failed.order() && (&*f.kind == "message.delivered" || !f.kind.starts_with("message.")));
    if !cured {
        let detail = format!("A message about {} failed{}", node.object, because(failed));
        raise(found, "message_failed", &node.object, detail, failed.occurred_at, &failed.system, true);
    }
}
