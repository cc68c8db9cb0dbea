//! What reports say of a shipment or an invoice: when it left, arrived, was proved, was paid.

use chrono::{DateTime, Utc};

use super::purse::Purse;
use crate::domain::fact::Fact;
use crate::domain::tree::{Node, Tree};

fn is_leaving(fact: &Fact) -> bool {
    matches!(&*fact.kind, "shipment.shipped" | "shipment.short_shipped")
}

/// When it left the warehouse.
pub fn left_at(shipment: &Node) -> Option<DateTime<Utc>> {
    shipment.facts.iter().filter(|f| is_leaving(f)).map(|f| f.occurred_at).max()
}

pub(super) fn delivered_at(tree: &Tree, shipment: &Node) -> Option<DateTime<Utc>> {
    let own = shipment.last("shipment.delivered").map(|f| f.occurred_at);
    own.or_else(|| {
        let loads = tree.of_kind("load").filter(|l| shipment.is_with(l));
        loads.filter_map(|l| l.last("load.delivered")).map(|f| f.occurred_at).max()
    })
}

pub(super) fn proof_of<'t>(tree: &'t Tree<'t>, root: &'t Node<'t>, shipment: &'t Node<'t>) -> Option<&'t Fact> {
    let loads = tree.of_kind("load").filter(|l| shipment.is_with(l));
    let all = std::iter::once(shipment).chain(loads).chain([root]);
    all.flat_map(|n| n.facts.iter()).filter(|f| &*f.kind == "delivery.pod_received").max_by_key(|f| f.order())
}

/// The last of the proofs, when each shipment that left has one.
pub(super) fn proof_of_all<'t>(tree: &'t Tree<'t>, root: &'t Node<'t>, left: &[&'t Node<'t>]) -> Option<&'t Fact> {
    if left.is_empty() {
        return root.last("delivery.pod_received");
    }
    let proofs: Option<Vec<&Fact>> = left.iter().map(|s| proof_of(tree, root, s)).collect();
    proofs?.into_iter().max_by_key(|f| f.order())
}

/// When payments and credits had covered it.
pub(super) fn paid_at(tree: &Tree, invoice: &Node, issued: &Fact) -> Option<DateTime<Utc>> {
    let received: Vec<(&Node, &Fact)> = tree
        .of_kind("payment")
        .filter(|p| p.is_with(invoice))
        .chain([invoice])
        .filter_map(|n| Some((n, n.last("payment.received")?)))
        .collect();
    let last = received.iter().map(|(_, f)| f.occurred_at).max()?;
    let Some(due) = &issued.detail.amount else { return Some(last) };
    // A payment for several invoices, or one that does not say how much, is taken for all of them.
    let many = |n: &Node| n.linked().filter(|o| o.kind == "invoice").count() > 1;
    if received.iter().any(|(n, f)| f.detail.amount.is_none() || many(n)) {
        return Some(last);
    }
    let credits = tree.of_kind("credit_note").filter(|n| n.is_with(invoice)).filter_map(Node::amount);
    let mut purse = Purse::default();
    received.iter().filter_map(|(_, f)| f.detail.amount.clone()).chain(credits).for_each(|m| purse.add(&m));
    purse.sums.get(&due.currency).is_some_and(|paid| *paid >= due.value).then_some(last)
}
