//! Case tables of readiness, worked out by hand, by theme; here the way of one order, what people decide, and the words in
//! which the tables are written.

#![allow(clippy::unwrap_used)]

use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::domain::tests::{at, event};
use crate::domain::*;

mod invoices;
mod laws;
mod returns;
mod stops;

/// What the shipped definitions and `rules` make of the order O1.
pub fn order(rules: &str, entries: Vec<Entry>, minute: i64) -> Workflow {
    let text = include_str!("../../../definitions/order-to-cash.toml");
    let rules = format!("version = 1\n{rules}");
    let files: Files = [("order-to-cash.toml", text), ("readiness.toml", &rules)].into_iter().collect();
    let definitions = Definitions::load(&files).unwrap();
    assemble(&definitions, &ObjectRef::new("order", "O1"), entries, at(minute)).unwrap()
}

pub fn eur(value: &str) -> Value {
    json!({"value": value, "currency": "EUR"})
}

/// `line("10", "5", "2.50")`: five for 2.50 EUR each.
pub fn line(id: &str, quantity: &str, price: &str) -> Value {
    json!({"line": id, "sku": format!("SKU-{id}"), "quantity": quantity, "unit": "EA", "price": eur(price)})
}

pub fn created(lines: &[Value], more: Value) -> Entry {
    let mut data = json!({"customer": "Acme", "lines": lines});
    more.as_object().unwrap().iter().for_each(|(k, v)| data[k] = v.clone());
    event("erp", "order.created", "order/O1", &[], 0, data)
}

pub fn moved(parts: &[(&str, &str)]) -> Value {
    let lines: Vec<Value> =
        parts.iter().map(|(line, quantity)| json!({"order": "O1", "line": line, "quantity": quantity})).collect();
    json!({"lines": lines})
}

pub fn shipped(id: &str, minute: i64, parts: &[(&str, &str)]) -> Entry {
    event("wms", "shipment.shipped", &format!("shipment/{id}"), &["order/O1"], minute, moved(parts))
}

pub fn delivered(id: &str, minute: i64) -> Entry {
    event("tms", "shipment.delivered", &format!("shipment/{id}"), &[], minute, json!({}))
}

pub fn proof(id: &str, minute: i64) -> Entry {
    event("tms", "delivery.pod_received", &format!("shipment/{id}"), &[], minute, json!({}))
}

/// An invoice for parts, each with its amount.
pub fn invoiced(id: &str, refs: &[&str], minute: i64, parts: &[(&str, &str, &str)]) -> Entry {
    let lines: Vec<Value> = parts
        .iter()
        .map(|(line, quantity, amount)| json!({"line": line, "quantity": quantity, "amount": eur(amount)}))
        .collect();
    let total: Decimal = parts.iter().map(|(.., amount)| amount.parse::<Decimal>().unwrap()).sum();
    let data = json!({"number": id, "lines": lines, "amount": eur(&total.to_string())});
    event("billing", "invoice.issued", &format!("invoice/{id}"), refs, minute, data)
}

pub fn act(kind: &str, object: &str, minute: i64, data: Value) -> Entry {
    let mut entry = event("milepost", kind, object, &[], minute, data);
    entry.event.source = "person/Rosa".to_owned();
    entry
}

/// State, amount and codes of each unit: `S1 ready 12.50 EUR`, `O1 not_due 5.00 EUR: not_shipped`.
pub fn told(workflow: &Workflow) -> Vec<String> {
    let one = |u: &Billable| {
        let amount = u.amount.as_ref().map_or("?".to_owned(), |m| format!("{} {}", m.value.normalize(), m.currency));
        let codes: Vec<&str> = u.reasons.iter().map(|r| &*r.code).collect();
        let codes = if codes.is_empty() { String::new() } else { format!(": {}", codes.join(", ")) };
        format!("{} {} {amount}{codes}", u.object.id, u.state.as_str())
    };
    workflow.readiness.units.iter().map(one).collect()
}

fn check(name: &str, rules: &str, entries: Vec<Entry>, minute: i64, expected: &[&str]) {
    let workflow = order(rules, entries, minute);
    assert_eq!(told(&workflow), expected, "{name}: {:#?}", workflow.readiness.reasons);
    for reason in workflow.readiness.units.iter().flat_map(|unit| &unit.reasons) {
        assert!(!reason.evidence.is_empty(), "{name}: {} without the events that show it", reason.code);
    }
}

const TEN: [(&str, &str); 1] = [("10", "4")];
/// 4 at 2.50 are 10 EUR.
fn simple() -> Vec<Entry> {
    vec![created(&[line("10", "4", "2.50")], json!({})), shipped("S1", 10, &TEN), delivered("S1", 20)]
}

fn with(mut entries: Vec<Entry>, more: impl IntoIterator<Item = Entry>) -> Vec<Entry> {
    entries.extend(more);
    entries
}

#[test]
fn the_way_of_one_order_from_nothing_to_paid() {
    let all = with(
        simple(),
        [
            invoiced("I1", &["shipment/S1"], 30, &[("10", "4", "10.00")]),
            event("erp", "invoice.posted", "invoice/I1", &[], 40, json!({})),
            event("finance", "payment.received", "payment/P1", &["invoice/I1"], 50, json!({"amount": eur("10.00")})),
        ],
    );
    let cases = [
        (1, "O1 not_due 10 EUR: not_shipped"),
        (2, "O1 not_due 10 EUR: not_delivered"),
        (3, "O1 ready 10 EUR"),
        (4, "O1 invoiced 10 EUR"),
        (5, "O1 posted 10 EUR"),
        (6, "O1 paid 10 EUR"),
    ];
    for (events, expected) in cases {
        check(expected, "", all[..events].to_vec(), 100, &[expected]);
    }
}

#[test]
fn what_a_person_marked_ready_is_ready_until_something_new_stands_in_the_way() {
    let mark =
        act("readiness.marked_ready", "order/O1", 25, json!({"reason": "signed by hand", "codes": "pod_missing"}));
    let asked = created(&[line("10", "4", "2.50")], json!({"pod_required": true}));
    let marked = vec![asked, shipped("S1", 10, &TEN), delivered("S1", 20), mark];
    let workflow = order("", marked.clone(), 100);
    assert_eq!(told(&workflow), ["O1 ready 10 EUR"]);
    let waived = workflow.readiness.units[0].checks.iter().find(|c| c.outcome == Outcome::Waived).unwrap();
    assert!(waived.detail.contains("set aside by Rosa: signed by hand"), "{waived:?}");
    let hold = event("erp", "order.credit_checked", "order/O1", &[], 30, json!({"verdict": "held"}));
    check("a new reason", "", with(marked, [hold]), 100, &["O1 blocked 10 EUR: credit_hold"]);
    // Money that is not known cannot be set aside.
    let unknown = vec![
        created(&[json!({"line": "10", "quantity": "4"})], json!({})),
        shipped("S1", 10, &TEN),
        delivered("S1", 20),
        act("readiness.marked_ready", "order/O1", 25, json!({"reason": "go", "codes": "price_missing"})),
    ];
    check("no price", "", unknown, 100, &["O1 blocked ?: price_missing"]);
}
