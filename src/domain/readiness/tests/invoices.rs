//! Invoices that are early, late, too large, twice, issued again or negative, and shipments billed one by one.

use super::*;

#[test]
fn shipments_are_billed_one_by_one_and_the_rest_is_told() {
    let policy = json!({"billing_policy": "per_shipment"});
    let lines = [line("10", "5", "2.00"), line("20", "1", "30.00")];
    let mut entries = vec![created(&lines, policy), shipped("S1", 10, &[("10", "3")])];
    check(
        "one on its way",
        "",
        entries.clone(),
        100,
        &["S1 not_due 6 EUR: not_delivered", "O1 not_due 34 EUR: not_shipped"],
    );
    entries.push(delivered("S1", 20));
    check("one ready", "", entries.clone(), 100, &["S1 ready 6 EUR", "O1 not_due 34 EUR: not_shipped"]);
    entries.push(invoiced("I1", &["order/O1"], 30, &[("10", "3", "6.00")]));
    check(
        "one billed, by the order only",
        "",
        entries.clone(),
        100,
        &["S1 invoiced 6 EUR", "O1 not_due 34 EUR: not_shipped"],
    );
    entries.push(shipped("S2", 40, &[("10", "2"), ("20", "1")]));
    entries.push(delivered("S2", 50));
    check("both delivered", "", entries.clone(), 100, &["S1 invoiced 6 EUR", "S2 ready 34 EUR"]);
    entries.push(invoiced("I2", &["shipment/S2"], 60, &[("10", "2", "4.00"), ("20", "1", "30.00")]));
    check("all billed", "", entries, 100, &["S1 invoiced 6 EUR", "S2 invoiced 34 EUR"]);
}

#[test]
fn an_invoice_that_is_early_too_large_or_twice_is_wrong_the_moment_it_is_seen() {
    let two = || {
        vec![
            created(&[line("10", "4", "2.50"), line("20", "1", "5.00")], json!({})),
            shipped("S1", 10, &TEN),
            delivered("S1", 20),
        ]
    };
    let cases: Vec<(&str, Vec<Entry>, &str, &str)> = vec![
        (
            "a part under complete billing",
            with(two(), [invoiced("I1", &["order/O1"], 30, &[("10", "4", "10.00")])]),
            "O1 wrong 10 EUR: premature_invoice",
            "premature_invoice",
        ),
        (
            "more than has left",
            with(two(), [invoiced("I1", &["order/O1"], 30, &[("10", "4", "10.00"), ("20", "1", "5.00")])]),
            "O1 wrong 15 EUR: premature_invoice, premature_invoice",
            "premature_invoice",
        ),
        (
            "more than was wanted",
            with(simple(), [invoiced("I1", &["order/O1"], 30, &[("10", "6", "15.00")])]),
            "O1 wrong 15 EUR: wrong_invoice",
            "over_invoiced",
        ),
        (
            "less than has left",
            with(simple(), [invoiced("I1", &["order/O1"], 30, &[("10", "3", "7.50")])]),
            "O1 wrong 7.5 EUR: wrong_invoice",
            "under_invoiced",
        ),
        (
            "the same twice",
            with(
                simple(),
                [
                    invoiced("I1", &["order/O1"], 30, &[("10", "4", "10.00")]),
                    invoiced("I2", &["order/O1"], 31, &[("10", "4", "10.00")]),
                ],
            ),
            "O1 wrong 20 EUR: wrong_invoice, wrong_invoice",
            "duplicate_invoice",
        ),
        (
            "without the proof that is asked for",
            vec![
                created(&[line("10", "4", "2.50")], json!({"pod_required": true})),
                shipped("S1", 10, &TEN),
                delivered("S1", 20),
                invoiced("I1", &["order/O1"], 30, &[("10", "4", "10.00")]),
            ],
            "O1 wrong 10 EUR: premature_invoice",
            "premature_invoice",
        ),
    ];
    for (name, entries, expected, exception) in cases {
        let workflow = order("", entries, 32);
        assert_eq!(told(&workflow), [expected], "{name}");
        assert!(workflow.exceptions.iter().any(|e| e.kind == exception), "{name}: {:?}", workflow.exceptions);
    }
    // Cancelled, it is as if it had never been.
    let cancelled = with(
        two(),
        [
            invoiced("I1", &["order/O1"], 30, &[("10", "4", "10.00")]),
            event("billing", "invoice.cancelled", "invoice/I1", &[], 32, json!({})),
        ],
    );
    check("cancelled", "", cancelled, 100, &["O1 blocked 15 EUR: not_fully_shipped"]);
}

#[test]
fn the_same_number_of_two_companies_is_two_invoices() {
    let lines = [line("10", "4", "2.50"), line("20", "1", "5.00")];
    let mut german = invoiced("1001", &["order/O1"], 30, &[("10", "4", "10.00")]);
    german.event.source = "billing/de".to_owned();
    let mut french = invoiced("1001", &["order/O1"], 31, &[("20", "1", "5.00")]);
    french.event.source = "billing/fr".to_owned();
    let entries = vec![
        created(&lines, json!({})),
        shipped("S1", 10, &[("10", "4"), ("20", "1")]),
        delivered("S1", 20),
        german,
        french,
    ];
    check("both count", "", entries, 100, &["O1 invoiced 15 EUR"]);
}

#[test]
fn an_invoice_issued_again_counts_as_it_stands_last() {
    let again = with(
        simple(),
        [
            invoiced("I1", &["order/O1"], 30, &[("10", "3", "7.50")]),
            invoiced("I1", &["order/O1"], 35, &[("10", "4", "10.00")]),
        ],
    );
    let workflow = order("", again, 100);
    assert_eq!(told(&workflow), ["O1 invoiced 10 EUR"]);
    assert!(workflow.discrepancies.iter().any(|d| d.kind == "invoice_reissued"));
}

#[test]
fn a_negative_invoice_takes_back_what_it_names() {
    let negative = with(
        simple(),
        [
            invoiced("I1", &["order/O1"], 30, &[("10", "6", "15.00")]),
            invoiced("I2", &["order/O1"], 35, &[("10", "-2", "-5.00")]),
        ],
    );
    let workflow = order("", negative, 100);
    assert_eq!(told(&workflow), ["O1 invoiced 10 EUR"]);
    assert!(workflow.discrepancies.iter().any(|d| d.kind == "negative_invoice"));
}
