//! What systems and middleware report of their own accord, open until the object moves on.

use super::{because, raise};
use crate::domain::Exception;
use crate::domain::fact::Fact;
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
        let moved_on = |report: &Fact, later: &Fact| later.system == report.system && *later.kind != *kind;
        episodes(node, kind, moved_on, |report, end| {
            let detail = format!("{words} on {}{}", node.object, because(report));
            raise(found, exception, &node.object, detail, report.occurred_at, &report.system, blocking)
                .known_by(report)
                .cured_by(end);
        });
    }
}

/// Open until the message was delivered, or its sender moved the object on.
pub fn message_failed(node: &Node, found: &mut Vec<Exception>) {
    let cured = |_: &Fact, later: &Fact| &*later.kind == "message.delivered" || !later.kind.starts_with("message.");
    episodes(node, "message.failed", cured, |failed, end| {
        let detail = format!("A message about {} failed{}", node.object, because(failed));
        raise(found, "message_failed", &node.object, detail, failed.occurred_at, &failed.system, true)
            .known_by(failed)
            .cured_by(end);
    });
}

/// Each run of reports with the fact that ended it; what is said is the last of the run.
fn episodes<'n>(
    node: &'n Node,
    kind: &str,
    ends: impl Fn(&Fact, &Fact) -> bool,
    mut tell: impl FnMut(&'n Fact, Option<&'n Fact>),
) {
    let mut open: Option<&Fact> = None;
    for fact in node.facts.iter() {
        if &*fact.kind == kind {
            open = Some(fact);
        } else if let Some(report) = open.filter(|report| ends(report, fact)) {
            tell(report, Some(fact));
            open = None;
        }
    }
    if let Some(report) = open {
        tell(report, None);
    }
}
