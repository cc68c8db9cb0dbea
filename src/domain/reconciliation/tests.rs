//! Case tables of reconciliation, worked out by hand: kind, line, expected, found, value.

#![allow(clippy::unwrap_used)]

use milepost_ingest::ObjectRef;
use serde_json::{Value, json};

use crate::domain::readiness::tests::*;
use crate::domain::tests::{at, event};
use crate::domain::*;

mod swaps;

fn told(discrepancies: &[Discrepancy]) -> Vec<String> {
    let figure = |d: Option<rust_decimal::Decimal>| d.map_or("-".to_owned(), |d| d.normalize().to_string());
    let one = |d: &Discrepancy| {
        let value = d.value.as_ref().map_or("-".to_owned(), |m| format!("{} {}", m.value.normalize(), m.currency));
        let matched = if d.matched { " matched" } else { "" };
        format!("{} {} {} {} {value}{matched}", d.kind, d.object.id, figure(d.expected), figure(d.found))
    };
    let mut all: Vec<String> = discrepancies.iter().map(one).collect();
    all.sort();
    all
}

fn base() -> Vec<Entry> {
    vec![created(&[line("10", "4", "2.50")], json!({})), shipped("S1", 10, &[("10", "4")]), delivered("S1", 20)]
}

fn with(more: impl IntoIterator<Item = Entry>) -> Vec<Entry> {
    let mut all = base();
    all.extend(more);
    all
}

fn credit(refs: &[&str], data: Value) -> Entry {
    event("finance", "credit_note.issued", "credit_note/CN1", refs, 55, data)
}

#[test]
fn orders_shipments_invoices_and_credits_are_compared_line_by_line() {
    let back =
        |quantity: &str| event("wms", "return.received", "return/R1", &["order/O1"], 40, moved(&[("10", quantity)]));
    let bill = |quantity: &str, amount: &str| invoiced("I1", &["order/O1"], 30, &[("10", quantity, amount)]);
    let four = json!([{"line": "10", "quantity": "4", "amount": eur("10.00")}]);
    let taxed = |tax: &str, gross: &str| {
        event(
            "billing",
            "invoice.issued",
            "invoice/I1",
            &["order/O1"],
            30,
            json!({"lines": four, "tax": eur(tax), "amount": eur(gross)}),
        )
    };
    let determined = event("billing", "tax.determined", "invoice/I1", &["order/O1"], 29, json!({"tax": eur("1.90")}));
    let posted = |amount: &str| event("erp", "invoice.posted", "invoice/I1", &[], 35, json!({"amount": eur(amount)}));
    let accrued = |amount: &str| {
        event("finance", "accrual.created", "accrual/A1", &["shipment/S1"], 25, json!({"amount": eur(amount)}))
    };
    let cases: Vec<(&str, Vec<Entry>, Vec<&str>)> = vec![
        ("shipped, not billed", base(), vec!["shipped_not_billed O1 4 0 10 EUR"]),
        ("billed as shipped", with([bill("4", "10.00")]), vec![]),
        ("billed too little", with([bill("3", "7.50")]), vec!["under_invoiced I1 4 3 2.5 EUR"]),
        ("billed too much", with([bill("6", "15.00")]), vec!["over_invoiced I1 4 6 5 EUR"]),
        (
            "billed, not shipped",
            vec![created(&[line("10", "4", "2.50")], json!({})), bill("4", "10.00")],
            vec!["billed_not_shipped I1 0 4 10 EUR"],
        ),
        ("another price", with([bill("4", "11.00")]), vec!["price_mismatch I1 10 11 1 EUR"]),
        ("within the tolerance of cents", with([bill("4", "10.05")]), vec![]),
        ("with its tax", with([determined.clone(), taxed("1.90", "11.90")]), vec![]),
        ("another tax", with([determined, taxed("0.70", "10.70")]), vec!["tax_mismatch I1 1.9 0.7 -1.2 EUR"]),
        ("lines do not add up", with([taxed("1.90", "12.90")]), vec!["amount_mismatch I1 11.9 12.9 1 EUR"]),
        ("posted otherwise", with([bill("4", "10.00"), posted("9.00")]), vec!["posting_mismatch I1 10 9 -1 EUR"]),
        ("posted alike", with([bill("4", "10.00"), posted("10.00")]), vec![]),
        (
            "billed in another currency",
            with([event(
                "billing",
                "invoice.issued",
                "invoice/I1",
                &["order/O1"],
                30,
                json!({"lines": [{"line": "10", "quantity": "4", "amount": {"value": "10.00", "currency": "USD"}}], "amount": {"value": "10.00", "currency": "USD"}}),
            )]),
            vec!["currency_mismatch I1 - - 10 USD"],
        ),
        (
            "yen with cents",
            vec![
                created(
                    &[json!({"line": "10", "quantity": "1", "price": {"value": "100", "currency": "JPY"}})],
                    json!({}),
                ),
                shipped("S1", 10, &[("10", "1")]),
                delivered("S1", 20),
                event(
                    "billing",
                    "invoice.issued",
                    "invoice/I1",
                    &["order/O1"],
                    30,
                    json!({"amount": {"value": "100.50", "currency": "JPY"}}),
                ),
            ],
            vec!["amount_precision I1 - - 100.5 JPY"],
        ),
        ("back, not credited", with([bill("4", "10.00"), back("1")]), vec!["return_without_credit R1 1 0 2.5 EUR"]),
        (
            "back and credited",
            with([bill("4", "10.00"), back("1"), credit(&["return/R1", "invoice/I1"], json!({"amount": eur("2.50")}))]),
            vec![],
        ),
        ("back before billing", with([back("1"), bill("3", "7.50")]), vec![]),
        ("all back before billing", with([back("4")]), vec![]),
        (
            "all back, all credited",
            with([
                bill("4", "10.00"),
                back("4"),
                credit(
                    &["return/R1", "invoice/I1"],
                    json!({"lines": [{"order": "O1", "line": "10", "quantity": "4"}], "amount": eur("10.00")}),
                ),
            ]),
            vec![],
        ),
        (
            "a line of nothing",
            vec![
                created(&[line("10", "4", "2.50"), line("20", "0", "9.00")], json!({})),
                shipped("S1", 10, &[("10", "4")]),
                delivered("S1", 20),
                bill("4", "10.00"),
            ],
            vec![],
        ),
        (
            "what was cancelled is not billed",
            vec![
                created(&[line("10", "4", "2.50")], json!({})),
                shipped("S1", 10, &[("10", "2")]),
                delivered("S1", 20),
                event("erp", "order.line_cancelled", "order/O1", &[], 25, moved(&[("10", "2")])),
                bill("2", "5.00"),
            ],
            vec![],
        ),
        (
            "credited, not back",
            with([
                bill("4", "10.00"),
                credit(&["invoice/I1"], json!({"lines": [{"line": "10", "quantity": "1"}], "amount": eur("2.50")})),
            ]),
            // What was credited may be billed again, and nobody says why it was credited.
            vec!["credit_without_return CN1 0 1 2.5 EUR", "under_invoiced I1 4 3 2.5 EUR"],
        ),
        (
            "a credit for what was billed too much",
            with([
                bill("6", "15.00"),
                credit(&["invoice/I1"], json!({"lines": [{"line": "10", "quantity": "2"}], "amount": eur("5.00")})),
            ]),
            vec![],
        ),
        (
            "money back for nothing",
            with([bill("4", "10.00"), credit(&["invoice/I1"], json!({"amount": eur("1.00")}))]),
            vec!["credit_without_return CN1 - - 1 EUR"],
        ),
        ("accrued as billed", with([accrued("10.00"), bill("4", "10.00")]), vec![]),
        ("accrued otherwise", with([accrued("8.00"), bill("4", "10.00")]), vec!["accrual_mismatch O1 8 10 2 EUR"]),
        (
            "the same invoice under another id",
            with([bill("4", "10.00"), invoiced("I2", &["order/O1"], 31, &[("10", "4", "10.00")])]),
            vec!["duplicate_invoice I2 - - 10 EUR", "over_invoiced I2 4 8 10 EUR"],
        ),
    ];
    for (name, entries, expected) in cases {
        let workflow = order("[tolerance]\namounts = ['0.05 EUR']", entries, 100);
        assert_eq!(told(&workflow.discrepancies), expected, "{name}");
        assert!(workflow.discrepancies.iter().all(|d| !d.evidence.is_empty()), "{name}");
    }
}

fn of(root: &str, rules: &str, entries: Vec<Entry>) -> Vec<String> {
    let names = ["freight-settlement", "inventory-sync", "inbound"];
    let files: Files = names
        .into_iter()
        .map(|name| {
            let file = format!("{}/definitions/{name}.toml", env!("CARGO_MANIFEST_DIR"));
            (format!("{name}.toml"), std::fs::read_to_string(file).unwrap())
        })
        .chain([("readiness.toml".to_owned(), format!("version = 1\n{rules}"))])
        .collect();
    let definitions = Definitions::load(&files).unwrap();
    told(&assemble(&definitions, &ObjectRef::parse(root).unwrap(), entries, at(1_000)).unwrap().discrepancies)
}

#[test]
fn freight_is_compared_from_estimate_to_the_carriers_bill() {
    let planned = |carrier: &str| event("tms", "load.planned", "load/L1", &[], 0, json!({"carrier": carrier}));
    let charge = |kind: &str, minute, amount: &str| {
        event("tms", kind, "charge/C1", &["load/L1"], minute, json!({"amount": eur(amount)}))
    };
    let arrived = event("tms", "load.delivered", "load/L1", &[], 90, json!({}));
    let bill = |id: &str, number: &str, minute, amount: &str| {
        event(
            "tms",
            "freight_invoice.received",
            &format!("freight_invoice/{id}"),
            &["load/L1"],
            minute,
            json!({"amount": eur(amount), "number": number}),
        )
    };
    let accrual = |amount: &str| {
        event("finance", "accrual.created", "accrual/A1", &["load/L1"], 95, json!({"amount": eur(amount)}))
    };
    let rules = "[freight]\npercent = '2'\n[[carriers]]\nkey = 'DHL'\npercent = '10'\namounts = ['5.00 EUR']";
    let start = |carrier: &str| vec![planned(carrier), charge("charge.estimated", 1, "100.00")];
    let then = |carrier: &str, more: Vec<Entry>| [start(carrier), more].concat();
    let cases: Vec<(&str, &str, Vec<Entry>, Vec<&str>)> = vec![
        ("nothing happened yet", rules, start("UPS"), vec![]),
        ("not billed yet", rules, then("UPS", vec![arrived.clone()]), vec!["freight L1 100 - 100 EUR"]),
        (
            "as expected",
            rules,
            then("UPS", vec![arrived.clone(), bill("F1", "1", 120, "102.00")]),
            vec!["freight L1 100 102 2 EUR matched"],
        ),
        (
            "too much",
            rules,
            then("UPS", vec![arrived.clone(), bill("F1", "1", 120, "102.01")]),
            vec!["freight L1 100 102.01 2.01 EUR"],
        ),
        (
            "within this carrier's limits",
            rules,
            then("DHL", vec![bill("F1", "1", 120, "105.00")]),
            vec!["freight L1 100 105 5 EUR matched"],
        ),
        (
            "beyond its amount",
            rules,
            then("DHL", vec![bill("F1", "1", 120, "105.01")]),
            vec!["freight L1 100 105.01 5.01 EUR"],
        ),
        (
            "the final charge counts",
            rules,
            then("UPS", vec![charge("charge.final", 80, "120.00"), bill("F1", "1", 120, "120.00")]),
            vec!["charge_changed C1 100 120 20 EUR", "freight L1 120 120 0 EUR matched"],
        ),
        (
            "twice",
            rules,
            then("UPS", vec![bill("F1", "7", 120, "100.00"), bill("F2", "7", 130, "100.00")]),
            vec!["duplicate_freight_invoice F2 - - 100 EUR", "freight L1 100 200 100 EUR"],
        ),
        (
            "accrued otherwise",
            rules,
            then("UPS", vec![accrual("90.00"), bill("F1", "1", 120, "100.00")]),
            vec!["accrual_mismatch L1 90 100 10 EUR", "freight L1 100 100 0 EUR matched"],
        ),
        (
            "not accrued where it must be",
            "[freight]\npercent = '2'\naccrue = true",
            then("UPS", vec![arrived]),
            vec!["accrual_missing L1 - - 100 EUR", "freight L1 100 - 100 EUR"],
        ),
        (
            "billed in another currency",
            rules,
            then(
                "UPS",
                vec![event(
                    "tms",
                    "freight_invoice.received",
                    "freight_invoice/F1",
                    &["load/L1"],
                    120,
                    json!({"amount": {"value": "100.00", "currency": "USD"}, "number": "1"}),
                )],
            ),
            vec!["freight L1 - - 100 USD"],
        ),
        (
            "a bill for nothing known",
            rules,
            vec![planned("UPS"), bill("F1", "1", 120, "50.00")],
            vec!["freight L1 - 50 50 EUR"],
        ),
    ];
    for (name, rules, entries, expected) in cases {
        assert_eq!(of("load/L1", rules, entries), expected, "{name}");
    }
}

#[test]
fn stock_is_compared_per_item() {
    let lines =
        |a: &str, b: &str| json!({"lines": [{"sku": "A", "quantity": a, "unit": "EA"}, {"sku": "B", "quantity": b}]});
    let here = |data| event("wms", "inventory.adjusted", "inventory_movement/M1", &[], 0, data);
    let there = |data| event("erp", "inventory.posted", "inventory_movement/M1", &[], 10, data);
    let cases: Vec<(&str, Vec<Entry>, Vec<&str>)> = vec![
        ("not posted", vec![here(lines("5", "-1"))], vec!["movement_not_posted M1 - - -"]),
        ("posted alike", vec![here(lines("5", "-1")), there(lines("5.0", "-1"))], vec![]),
        ("posted otherwise", vec![here(lines("5", "-1")), there(lines("4", "-1"))], vec!["movement_mismatch M1 5 4 -"]),
        ("posted only", vec![there(lines("4", "1"))], vec!["posted_not_moved M1 - - -"]),
    ];
    for (name, entries, expected) in cases {
        assert_eq!(of("inventory_movement/M1", "", entries), expected, "{name}");
    }
}
