//! Goods that the customer has and nobody has billed.

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::raise;
use crate::domain::Exception;
use crate::domain::fact::Fact;
use crate::domain::readiness::{Books, Unit};
use crate::domain::tree::Tree;

/// How long the invoice may follow the moment from which it could be made.
const BILLING_GRACE: TimeDelta = TimeDelta::days(2);

/// One for each invoice that should be there: the order's, or each shipment's where these are billed one by one. It could
/// be made when all of it was delivered, proved where the customer wants a proof, and the next run of invoices had come.
/// What stands in its way before (a proof, a part that has not left) is an exception of its own.
pub fn unbilled_shipment(tree: &Tree, books: &Books, found: &mut Vec<Exception>) {
    for unit in books.units.iter().filter(|unit| unit.is_shipped && !unit.is_rest) {
        let Some(delivered_at) = unit.delivered_at else { continue };
        if books.proof_required && unit.proof.is_none() {
            continue;
        }
        let complete_at =
            unit.proof.filter(|_| books.proof_required).map_or(delivered_at, |f| f.occurred_at.max(delivered_at));
        let from = books.policy.cut_off.as_ref().and_then(|cut| cut.after(complete_at)).unwrap_or(complete_at);
        let bills = unit.documents.iter().map(|place| books.documents[*place].issued);
        let last = bills.max_by_key(|bill| bill.order());
        let rest = if books.lines.is_empty() { last.is_none() } else { has_rest(unit) };
        if !rest && last.is_none() {
            continue;
        }
        let what = if unit.object.kind == "order" { "The order" } else { unit.object.id.as_str() };
        let detail = match last {
            Some(_) if rest => format!("{what} was delivered and is invoiced only in part"),
            _ => format!("{what} was delivered and is not invoiced"),
        };
        let raised = raise(found, "unbilled_shipment", &unit.object, detail, from, "billing", false);
        for fact in tree.facts().filter(|f| arrived(f) && f.occurred_at <= complete_at) {
            raised.known_by(fact);
        }
        raised.after(BILLING_GRACE).cured_by(last.filter(|_| !rest));
    }
}

fn has_rest(unit: &Unit<'_>) -> bool {
    unit.parts.iter().any(|part| part.remaining > Decimal::ZERO)
}

fn arrived(fact: &Fact) -> bool {
    matches!(&*fact.kind, "shipment.delivered" | "load.delivered" | "delivery.pod_received")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::{Value, json};

    use crate::domain::tests::{at, definitions, event};
    use crate::domain::{Entry, Exception, Workflow, assemble};
    use milepost_ingest::ObjectRef;

    const DAY: i64 = 24 * 60;

    fn line(quantity: &str) -> Value {
        json!({"lines": [{"order": "O1", "line": "10", "sku": "A", "quantity": quantity, "unit": "EA"}]})
    }

    /// An order of five, of which a shipment has left and arrived after an hour.
    fn delivered(left: &str, order: Value) -> Vec<Entry> {
        let mut head = line("5");
        head.as_object_mut().unwrap().extend(order.as_object().unwrap().clone());
        vec![
            event("erp", "order.created", "order/O1", &[], 0, head),
            event("erp", "order.released", "order/O1", &[], 1, json!({})),
            event("wms", "shipment.created", "shipment/S1", &["order/O1"], 2, line(left)),
            event("wms", "shipment.shipped", "shipment/S1", &["order/O1"], 10, line(left)),
            event("tms", "shipment.delivered", "shipment/S1", &[], 60, json!({})),
        ]
    }

    fn invoice(id: &str, quantity: &str, minute: i64) -> Entry {
        event(
            "billing",
            "invoice.issued",
            &format!("invoice/{id}"),
            &["order/O1", "shipment/S1"],
            minute,
            line(quantity),
        )
    }

    fn workflow(entries: &[Entry], minute: i64) -> Workflow {
        assemble(&definitions(), &ObjectRef::new("order", "O1"), entries.to_vec(), at(minute)).unwrap()
    }

    fn unbilled(exceptions: &[Exception]) -> Vec<(&str, i64)> {
        let ours = exceptions.iter().filter(|e| e.kind == "unbilled_shipment");
        ours.map(|e| (e.detail.as_str(), (e.since - at(0)).num_minutes())).collect()
    }

    #[test]
    fn what_was_delivered_must_be_billed_within_its_grace() {
        let told = "The order was delivered and is not invoiced";
        let proof = json!({"pod_required": true});
        let pod = event("tms", "delivery.pod_received", "shipment/S1", &[], 3 * DAY, json!({}));
        let voided = event(
            "tms",
            "event.voided",
            "shipment/S1",
            &[],
            DAY,
            json!({"event": "tms-shipment.delivered-shipment/S1-60"}),
        );
        type Case<'a> = (&'a str, Vec<Entry>, i64, Vec<(&'a str, i64)>);
        let with = |mut entries: Vec<Entry>, more: &[&Entry]| {
            entries.extend(more.iter().map(|e| (*e).clone()));
            entries
        };
        let cases: Vec<Case<'_>> = vec![
            ("within the grace", delivered("5", json!({})), 2 * DAY + 59, vec![]),
            ("after it", delivered("5", json!({})), 2 * DAY + 61, vec![(told, 2 * DAY + 60)]),
            ("billed in time", with(delivered("5", json!({})), &[&invoice("I1", "5", DAY)]), 5 * DAY, vec![]),
            (
                "billed in part",
                with(delivered("5", json!({})), &[&invoice("I1", "2", DAY)]),
                5 * DAY,
                vec![("The order was delivered and is invoiced only in part", 2 * DAY + 60)],
            ),
            ("a proof is wanted and missing, which is told by itself", delivered("5", proof.clone()), 9 * DAY, vec![]),
            ("the grace begins with the proof", with(delivered("5", proof), &[&pod]), 6 * DAY, vec![(told, 5 * DAY)]),
            ("a part has not left", delivered("3", json!({})), 9 * DAY, vec![]),
            (
                "shipments are billed one by one",
                delivered("3", json!({"billing_policy": "per_shipment"})),
                9 * DAY,
                vec![("S1 was delivered and is not invoiced", 2 * DAY + 60)],
            ),
            ("the delivery was reported by mistake", with(delivered("5", json!({})), &[&voided]), 9 * DAY, vec![]),
        ];
        for (name, entries, minute, expected) in cases {
            assert_eq!(unbilled(&workflow(&entries, minute).exceptions), expected, "{name}");
        }
    }

    #[test]
    fn the_invoice_that_bills_the_rest_ends_it_and_is_named() {
        let mut entries = delivered("5", json!({}));
        entries.push(invoice("I1", "2", DAY));
        entries.push(invoice("I2", "3", 4 * DAY));
        assert_eq!(unbilled(&workflow(&entries, 3 * DAY).exceptions).len(), 1);
        let late = workflow(&entries, 5 * DAY);
        assert_eq!(unbilled(&late.exceptions), []);
        let cured = late.cured.iter().find(|e| e.kind == "unbilled_shipment").and_then(|e| e.cured.clone()).unwrap();
        assert_eq!((cured.kind.as_str(), cured.at), ("invoice.issued", at(4 * DAY)));
        assert_eq!(cured.event.unwrap().id, "billing-invoice.issued-invoice/I2-5760");
    }
}
