//! Systems that believe different things about one object: one is ahead, the other has not followed within the grace of
//! that pair. "Delivered in the TMS, open in the WMS, unknown in finance."

use chrono::TimeDelta;

use super::raise_for;
use crate::domain::Exception;
use crate::domain::fact::Fact;
use crate::domain::tree::{Node, Tree, tells_of};

/// One system is ahead by its events, another follows by its own.
struct Pair {
    object: &'static str,
    ahead: &'static str,
    by: &'static [&'static str],
    behind: &'static str,
    follows: &'static [&'static str],
    /// Counts only when the system behind has spoken of the object at all.
    known: bool,
    grace: TimeDelta,
}

const PAIRS: [Pair; 4] = [
    // The transport system has it on the road, while the warehouse has not shipped it.
    Pair {
        object: "shipment",
        ahead: "tms",
        by: &["shipment.departed", "shipment.delivered"],
        behind: "wms",
        follows: &["shipment.shipped", "shipment.short_shipped"],
        known: true,
        grace: TimeDelta::minutes(30),
    },
    // The warehouse has let it go, and the transport system still plans.
    Pair {
        object: "shipment",
        ahead: "wms",
        by: &["shipment.shipped", "shipment.short_shipped"],
        behind: "tms",
        follows: &["shipment.departed", "shipment.in_transit", "shipment.delivered", "delivery.pod_received"],
        known: true,
        grace: TimeDelta::hours(24),
    },
    // Billing took it back, and it stands in the ledger.
    Pair {
        object: "invoice",
        ahead: "billing",
        by: &["invoice.cancelled"],
        behind: "erp",
        follows: &["credit_note.issued"],
        known: true,
        grace: TimeDelta::hours(24),
    },
    // The money is there, and the ledger does not know the bill.
    Pair {
        object: "invoice",
        ahead: "finance",
        by: &["payment.received"],
        behind: "erp",
        follows: &["invoice.posted"],
        known: false,
        grace: TimeDelta::hours(24),
    },
];

/// How long a warehouse may go on with an order that was cancelled.
const CANCELLED_GRACE: TimeDelta = TimeDelta::minutes(15);

pub fn conflicts(tree: &Tree, found: &mut Vec<Exception>) {
    for pair in &PAIRS {
        for node in tree.of_kind(pair.object) {
            one(tree, node, pair, found);
        }
    }
    cancelled(tree, found);
}

fn one(tree: &Tree, node: &Node, pair: &Pair, found: &mut Vec<Exception>) {
    // What hangs from it may tell: a load that departed, a payment, a credit note.
    let near = tree.nodes.iter().filter(|n| n.object != node.object && node.is_with(n));
    let told: Vec<&Fact> = near.flat_map(|n| n.facts.iter()).filter(|f| tells_of(pair.object, &f.kind)).collect();
    let of = |kinds: &[&str]| {
        let all = node.facts.iter().chain(told.iter().copied()).filter(|f| kinds.contains(&&*f.kind));
        all.min_by(|a, b| a.order().cmp(&b.order()))
    };
    let Some(ahead) = of(pair.by) else { return };
    let beliefs = tree.beliefs(node);
    let behind = beliefs.iter().find(|b| b.system == pair.behind);
    if pair.known && behind.is_none() {
        return;
    }
    let carried: &[&str] =
        if pair.object == "shipment" && pair.behind == "tms" { &["load.departed", "load.delivered"] } else { &[] };
    let followed = of(pair.follows).or_else(|| of(carried));
    let believed = match (followed, behind) {
        (Some(_), _) | (_, None) => "unknown".to_owned(),
        (None, Some(behind)) => behind.state.replace('_', " "),
    };
    let mut detail = format!(
        "{}: {} in the {}, {believed} in the {}",
        node.object.id,
        ahead.verb().replace('_', " "),
        name(pair.ahead),
        name(pair.behind)
    );
    if pair.object == "shipment" && !beliefs.iter().any(|b| matches!(b.system.as_str(), "billing" | "finance")) {
        detail += ", unknown in finance";
    }
    // The first pair was the only one for long: its id stays.
    let cause = if pair.ahead == "tms" { String::new() } else { format!("{}>{}", pair.ahead, pair.behind) };
    raise_for(found, &cause, "status_conflict", &node.object, detail, ahead.occurred_at, pair.behind, false)
        .known_by(ahead)
        .after(pair.grace)
        .cured_by(followed);
}

/// Cancelled in the ERP, and the warehouse works on it.
fn cancelled(tree: &Tree, found: &mut Vec<Exception>) {
    let Some(cancelled) = tree.root().last("order.cancelled") else { return };
    let late = |f: &&Fact| f.occurred_at > cancelled.occurred_at && &*f.system == "wms";
    for shipment in tree.of_kind("shipment") {
        let Some(worked) = shipment.facts.iter().find(late) else { continue };
        let detail = format!("{}: cancelled in the ERP, {} in the WMS", tree.root().object.id, worked.verb());
        raise_for(found, "erp>wms", "status_conflict", &shipment.object, detail, worked.occurred_at, "wms", false)
            .known_by(worked)
            .after(CANCELLED_GRACE);
    }
}

fn name(system: &str) -> String {
    match system {
        "erp" | "wms" | "tms" => system.to_uppercase(),
        "billing" => "billing system".to_owned(),
        other => other.to_owned(),
    }
}
