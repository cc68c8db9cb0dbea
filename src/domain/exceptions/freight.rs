//! What carriers charge: final charges and accruals that do not come, and bills above what was agreed.

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::raise;
use crate::domain::fact::Fact;
use crate::domain::tree::{Node, Tree};
use crate::domain::{Exception, Money};

/// How long a final charge may follow the delivery.
const CHARGE_GRACE: TimeDelta = TimeDelta::days(3);
/// How long the accrual may follow the delivery while no carrier's bill is there.
const ACCRUAL_GRACE: TimeDelta = TimeDelta::days(2);
/// Share above the charge that is nobody's business.
const TOLERANCE: Decimal = Decimal::from_parts(2, 0, 0, false, 2);

pub fn freight(tree: &Tree, found: &mut Vec<Exception>) {
    let delivered = |f: &&Fact| matches!(&*f.kind, "shipment.delivered" | "load.delivered");
    let Some(delivered) = tree.facts().filter(delivered).min_by_key(|f| f.order()) else {
        freight_overcharge(tree, found);
        return;
    };
    late_charges(tree, delivered, found);
    missing_accrual(tree, delivered, found);
    freight_overcharge(tree, found);
}

fn late_charges(tree: &Tree, delivered: &Fact, found: &mut Vec<Exception>) {
    for charge in tree.of_kind("charge").filter(|c| c.has("charge.estimated")) {
        let last = charge.facts.iter().find(|f| matches!(&*f.kind, "charge.final" | "charge.approved"));
        let Some(estimated) = charge.last("charge.estimated") else { continue };
        let from = if estimated.order() > delivered.order() { estimated } else { delivered };
        if last.is_some_and(|last| last.occurred_at < from.occurred_at) {
            continue;
        }
        let detail = format!("{} is still an estimate", charge.object.id);
        raise(found, "late_freight_charge", &charge.object, detail, from.occurred_at, "tms", false)
            .known_by(from)
            .after(CHARGE_GRACE)
            .cured_by(last);
    }
}

/// Freight is known, nothing is billed by the carrier yet, and finance has put nothing aside.
fn missing_accrual(tree: &Tree, delivered: &Fact, found: &mut Vec<Exception>) {
    let estimated = |f: &&Fact| matches!(&*f.kind, "charge.estimated" | "charge.final");
    let Some(charge) = tree.facts().filter(estimated).min_by_key(|f| f.order()) else { return };
    let cures =
        |f: &&Fact| matches!(&*f.kind, "accrual.created" | "freight_invoice.received" | "freight_invoice.settled");
    let cure = tree.facts().filter(cures).min_by_key(|f| f.order());
    let from = if charge.order() > delivered.order() { charge } else { delivered };
    let detail = "Freight is delivered and neither billed nor accrued".to_owned();
    raise(found, "missing_accrual", &tree.root().object, detail, from.occurred_at, "finance", false)
        .known_by(from)
        .after(ACCRUAL_GRACE)
        .cured_by(cure);
}

/// A carrier's bill above the charges of its load, in the same currency.
fn freight_overcharge(tree: &Tree, found: &mut Vec<Exception>) {
    for bill in tree.of_kind("freight_invoice") {
        let (Some(received), Some(amount)) = (bill.last("freight_invoice.received"), bill.amount()) else { continue };
        let charges: Vec<&Node> = tree.of_kind("charge").filter(|c| is_of(tree, bill, c)).collect();
        let sums = charges.iter().filter_map(|c| c.amount()).filter(|a| a.currency == amount.currency);
        let agreed: Decimal = sums.map(|a| a.value).sum();
        if agreed.is_zero() || amount.value <= agreed + agreed * TOLERANCE {
            continue;
        }
        let over = Money { value: amount.value - agreed, currency: amount.currency.clone() };
        let detail = format!("{} bills {over} more than was charged", bill.object.id);
        let settled = |f: &&Fact| matches!(&*f.kind, "freight_invoice.approved" | "freight_invoice.settled");
        raise(found, "freight_overcharge", &bill.object, detail, received.occurred_at, "tms", false)
            .known_by(received)
            .cured_by(bill.facts.iter().find(settled));
    }
}

/// Charges of the loads that the bill is for.
fn is_of(tree: &Tree, bill: &Node, charge: &Node) -> bool {
    let mut loads = tree.of_kind("load").filter(|load| bill.is_with(load)).peekable();
    if loads.peek().is_none() {
        return bill.is_with(charge);
    }
    loads.any(|load| charge.is_with(load))
}
