//! What a person should look at in one workflow, found by rules over its facts. One exception per cause.

use chrono::{DateTime, TimeDelta, Utc};
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;

use super::fact::Fact;
use super::lines::Lines;
use super::slas::credit_holds;
use super::tree::{Node, Tree};
use super::{Exception, Line, Sla, Verdict};

/// How long two systems may disagree about a shipment before it is an exception.
const CONFLICT_GRACE: TimeDelta = TimeDelta::minutes(30);

/// Reports of one system that stay open until the same object moves on.
const REPORTS: [(&str, &str, &str, bool); 4] = [
    ("shipment.exception", "carrier_exception", "Carrier reports", false),
    ("billing.exception", "billing_exception", "Billing reports", true),
    ("load.tender_rejected", "tender_rejected", "Carrier rejected the tender", false),
    ("message.dead_lettered", "dead_lettered", "A message was given up", true),
];

pub fn exceptions(tree: &Tree, lines: &Lines, slas: &[Sla], as_of: DateTime<Utc>) -> Vec<Exception> {
    let root = tree.root();
    let mut found = Vec::new();
    credit_hold(root, &mut found);
    backorder(tree, lines, &mut found);
    for shipment in tree.of_kind("shipment") {
        short_shipment(shipment, &mut found);
        packing_variance(shipment, &mut found);
        status_conflict(shipment, as_of, &mut found);
    }
    billing(tree, lines, &mut found);
    for node in &tree.nodes {
        reports(node, &mut found);
        message_failed(node, &mut found);
    }
    for sla in slas {
        let (kind, since) = match sla.verdict {
            Verdict::Breached => ("sla_breached", sla.due_at),
            Verdict::AtRisk => ("sla_at_risk", sla.warn_at),
            _ => continue,
        };
        found.push(Exception {
            kind: kind.to_owned(),
            object: root.object.clone(),
            detail: format!("{}: due {}", sla.title, sla.due_at.format("%Y-%m-%d %H:%M UTC")),
            since,
            system: sla.system.clone(),
            blocking: false,
        });
    }
    found.sort_by(|a, b| (!a.blocking, a.since, &a.kind, &a.object).cmp(&(!b.blocking, b.since, &b.kind, &b.object)));
    found
}

fn raise(
    found: &mut Vec<Exception>,
    kind: &str,
    object: &ObjectRef,
    detail: String,
    since: DateTime<Utc>,
    system: &str,
    blocking: bool,
) {
    let (kind, object, system) = (kind.to_owned(), object.clone(), system.to_owned());
    found.push(Exception { kind, object, detail, since, system, blocking });
}

fn because(fact: &Fact) -> String {
    fact.detail.reason.as_deref().map_or_else(String::new, |r| format!(": {r}"))
}

fn credit_hold(root: &Node, found: &mut Vec<Exception>) {
    if let Some((since, None)) = credit_holds(root).last() {
        let cause = root.last("order.credit_checked").map_or_else(String::new, because);
        raise(found, "credit_hold", &root.object, format!("On credit hold{cause}"), *since, "erp", true);
    }
}

/// Open until everything wanted is allocated.
fn backorder(tree: &Tree, lines: &Lines, found: &mut Vec<Exception>) {
    let Some(fact) = tree.facts().filter(|f| &*f.kind == "inventory.backordered").max_by_key(|f| f.order()) else {
        return;
    };
    let later = |f: &&Fact| &*f.kind == "inventory.allocated" && f.occurred_at > fact.occurred_at;
    let cured = if lines.is_empty() {
        tree.facts().any(|f| later(&f))
    } else {
        lines.iter().all(|l| l.allocated >= l.target() || l.shipped >= l.target())
    };
    if cured || tree.root().withdrawn() {
        return;
    }
    let what: Vec<String> =
        fact.detail.lines.iter().flatten().filter_map(|l| l.sku.as_deref().map(str::to_owned)).collect();
    let what = if what.is_empty() { String::new() } else { format!(": {}", what.join(", ")) };
    raise(found, "backorder", &tree.root().object, format!("Stock is missing{what}"), fact.occurred_at, "wms", true);
}

fn short_shipment(shipment: &Node, found: &mut Vec<Exception>) {
    let Some(short) = shipment.last("shipment.short_shipped") else { return };
    let detail = format!("{} left short{}", shipment.object.id, because(short));
    raise(found, "short_shipment", &shipment.object, detail, short.occurred_at, "wms", false);
}

fn packing_variance(shipment: &Node, found: &mut Vec<Exception>) {
    let (Some(picked), Some(packed)) = (shipment.last("pick.completed"), shipment.last("pack.completed")) else {
        return;
    };
    let sum = |f: &Fact| f.detail.lines.as_ref().map(|l| l.iter().map(|l| l.quantity).sum::<Decimal>());
    let (Some(before), Some(after)) = (sum(picked), sum(packed)) else { return };
    if before != after {
        let detail = format!("{}: {before} picked, {after} packed", shipment.object.id);
        raise(found, "packing_variance", &shipment.object, detail, packed.occurred_at, "wms", false);
    }
}

/// The first sign that the transport system has it on the road, while the warehouse has not shipped it.
fn gone_unshipped<'n>(shipment: &'n Node) -> Option<&'n Fact> {
    let shipped = shipment.has("shipment.shipped") || shipment.has("shipment.short_shipped");
    let gone = |f: &&Fact| matches!(&*f.kind, "shipment.departed" | "shipment.delivered");
    if shipped { None } else { shipment.facts.iter().find(gone) }
}

/// When a disagreement of systems about a shipment becomes, or became, an exception.
pub fn conflict_at(shipment: &Node) -> Option<DateTime<Utc>> {
    gone_unshipped(shipment).map(|f| f.occurred_at + CONFLICT_GRACE)
}

fn status_conflict(shipment: &Node, as_of: DateTime<Utc>, found: &mut Vec<Exception>) {
    if conflict_at(shipment).is_none_or(|at| as_of < at) {
        return;
    }
    let state = shipment.beliefs().into_iter().find(|b| b.system == "wms");
    let (Some(gone), Some(state)) = (gone_unshipped(shipment), state) else { return };
    let verb = gone.verb();
    let detail = format!("{}: {verb} in the TMS, still {} in the WMS", shipment.object.id, state.state);
    raise(found, "status_conflict", &shipment.object, detail, gone.occurred_at, "wms", false);
}

fn billing(tree: &Tree, lines: &Lines, found: &mut Vec<Exception>) {
    let invoices: Vec<&Node> = tree.of_kind("invoice").filter(|i| !i.withdrawn() && i.has("invoice.issued")).collect();
    let Some(first) = invoices.first() else { return };
    let issued = invoices.iter().filter_map(|i| i.last("invoice.issued")).map(|f| f.occurred_at).max();
    let Some(since) = issued else { return };
    let mut say = |kind: &str, bad: Vec<&Line>, word: &str, than: fn(&Line) -> Decimal| {
        if let Some(line) = bad.first() {
            let more = if bad.len() > 1 { format!(" and {} more", bad.len() - 1) } else { String::new() };
            let detail = format!(
                "Line {}{more}: {} invoiced, {} {word}",
                line.line,
                line.invoiced.normalize(),
                than(line).normalize()
            );
            raise(found, kind, &first.object, detail, since, "billing", true);
        }
    };
    let over = |l: &&Line| l.invoiced - l.credited > l.target();
    say("over_invoiced", lines.iter().filter(over).collect(), "wanted", Line::target);
    let early = |l: &&Line| l.invoiced > l.shipped && l.invoiced - l.credited <= l.target();
    say("premature_invoice", lines.iter().filter(early).collect(), "shipped", |l| l.shipped);
    if lines.is_empty()
        && tree.of_kind("shipment").all(|s| !s.has("shipment.shipped") && !s.has("shipment.short_shipped"))
    {
        raise(
            found,
            "premature_invoice",
            &first.object,
            "Invoiced before anything shipped".to_owned(),
            since,
            "billing",
            true,
        );
    }
}

fn reports(node: &Node, found: &mut Vec<Exception>) {
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
fn message_failed(node: &Node, found: &mut Vec<Exception>) {
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
