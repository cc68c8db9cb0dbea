//! What is wrong with shipments: short, only a part, packed otherwise than picked, or delivered
//! without a proof.

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::{because, raise};
use crate::domain::fact::Fact;
use crate::domain::lines::Lines;
use crate::domain::tree::{Node, Tree};
use crate::domain::{Exception, Milestone, Reached};

/// How long the rest of an order may stay behind its first shipment.
const PARTIAL_GRACE: TimeDelta = TimeDelta::hours(24);
/// How long a proof may follow its delivery.
const PROOF_GRACE: TimeDelta = TimeDelta::hours(24);

fn is_shipped(fact: &Fact) -> bool {
    matches!(&*fact.kind, "shipment.shipped" | "shipment.short_shipped")
}

/// Cured when what was missing has left after all, or nobody wants it any more.
pub fn short_shipment(shipment: &Node, lines: &Lines, tree: &Tree, found: &mut Vec<Exception>) {
    let Some(short) = shipment.last("shipment.short_shipped") else { return };
    let made_good = !lines.is_empty() && lines.iter().all(|l| l.shipped >= l.target());
    let cures =
        |f: &&Fact| is_shipped(f) || matches!(&*f.kind, "order.line_cancelled" | "order.changed" | "order.cancelled");
    let later = tree.facts().filter(cures).filter(|f| f.order() > short.order()).max_by_key(|f| f.order());
    let detail = format!("{} left short{}", shipment.object.id, because(short));
    raise(found, "short_shipment", &shipment.object, detail, short.occurred_at, "wms", false)
        .known_by(short)
        .cured_by(later.filter(|_| made_good));
}

/// Each packing counts against the picking before it.
pub fn packing_variance(shipment: &Node, found: &mut Vec<Exception>) {
    let sum = |f: &Fact| f.detail.lines.as_ref().map(|l| l.iter().map(|l| l.quantity).sum::<Decimal>());
    let mut picked: Option<Decimal> = None;
    let mut open: Option<(&Fact, String)> = None;
    for fact in shipment.facts.iter() {
        match &*fact.kind {
            "pick.completed" => picked = sum(fact),
            "pack.completed" => {}
            _ => continue,
        }
        let packed = shipment.facts.iter().rev().find(|f| &*f.kind == "pack.completed" && f.order() <= fact.order());
        let (Some(before), Some(after)) = (picked, packed.and_then(sum)) else { continue };
        match (&open, before == after) {
            (None, false) => {
                open = Some((fact, format!("{}: {before} picked, {after} packed", shipment.object.id)));
            }
            (Some((since, detail)), true) => {
                raise(found, "packing_variance", &shipment.object, detail.clone(), since.occurred_at, "wms", false)
                    .known_by(since)
                    .cured_by(Some(fact));
                open = None;
            }
            _ => {}
        }
    }
    if let Some((since, detail)) = open {
        raise(found, "packing_variance", &shipment.object, detail, since.occurred_at, "wms", false).known_by(since);
    }
}

/// A part has left, the rest stays behind.
pub fn partial_shipment(tree: &Tree, lines: &Lines, milestones: &[Milestone], found: &mut Vec<Exception>) {
    if lines.is_empty() || milestones.iter().all(|m| m.key != "shipped" || m.reached == Reached::No) {
        return;
    }
    let mut left: Vec<&Fact> = tree.facts().filter(|f| is_shipped(f)).collect();
    left.sort_by(|a, b| a.order().cmp(&b.order()));
    let (Some(first), Some(last)) = (left.first(), left.last()) else { return };
    let whole = lines.iter().all(|l| l.shipped >= l.target());
    if whole && left.len() == 1 {
        return;
    }
    let missing = lines.iter().filter(|l| l.shipped < l.target()).count();
    let detail = match missing {
        0 => "The order left in several shipments".to_owned(),
        1 => "1 line has not left with the others".to_owned(),
        n => format!("{n} lines have not left with the others"),
    };
    raise(found, "partial_shipment", &tree.root().object, detail, first.occurred_at, "wms", false)
        .known_by(first)
        .after(PARTIAL_GRACE)
        .cured_by(whole.then_some(last));
}

/// Delivered, and no proof came although the customer wants one.
pub fn missing_pod(tree: &Tree, milestones: &[Milestone], found: &mut Vec<Exception>) {
    if !milestones.iter().any(|m| m.key == "pod" && !m.optional && m.reached != Reached::Skipped) {
        return;
    }
    for shipment in tree.of_kind("shipment") {
        let Some(delivered) = shipment.facts.iter().find(|f| &*f.kind == "shipment.delivered") else { continue };
        let proof = shipment.facts.iter().find(|f| &*f.kind == "delivery.pod_received");
        if proof.is_some_and(|proof| proof.order() < delivered.order()) {
            continue;
        }
        let detail = format!("{} is delivered without a proof", shipment.object.id);
        raise(found, "missing_pod", &shipment.object, detail, delivered.occurred_at, "tms", false)
            .known_by(delivered)
            .after(PROOF_GRACE)
            .cured_by(proof);
    }
}
