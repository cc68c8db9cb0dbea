//! Each built-in rule once, with its reason as finance reads it.

use super::*;

#[test]
fn each_built_in_rule_stands_in_the_way_of_its_case() {
    let pod = json!({"pod_required": true});
    let held = |until: Value| act("readiness.held", "order/O1", 25, json!({"reason": "check first", "until": until}));
    let charge = |kind: &str, minute| {
        event("tms", kind, "charge/C1", &["shipment/S1"], minute, json!({"amount": eur("3.00"), "kind": "freight"}))
    };
    let back = event("wms", "return.received", "return/R1", &["order/O1", "shipment/S1"], 25, moved(&[("10", "1")]));
    let cases: Vec<(&str, &str, Vec<Entry>, &str)> = vec![
        (
            "a part has left and was delivered",
            "",
            vec![
                created(&[line("10", "4", "2.50"), line("20", "1", "5")], json!({})),
                shipped("S1", 10, &TEN),
                delivered("S1", 20),
            ],
            "O1 blocked 15 EUR: not_fully_shipped",
        ),
        (
            "the part is on its way",
            "",
            vec![created(&[line("10", "4", "2.50"), line("20", "1", "5")], json!({})), shipped("S1", 10, &TEN)],
            "O1 not_due 15 EUR: not_fully_shipped, not_delivered",
        ),
        (
            "a person decides on parts",
            "[policy]\nbill = 'hold'",
            vec![
                created(&[line("10", "4", "2.50"), line("20", "1", "5")], json!({})),
                shipped("S1", 10, &TEN),
                delivered("S1", 20),
            ],
            "O1 blocked 15 EUR: not_fully_shipped, partial_hold",
        ),
        (
            "a line that was cancelled is not waited for",
            "",
            vec![
                created(&[line("10", "4", "2.50"), line("20", "1", "5")], json!({})),
                event("erp", "order.line_cancelled", "order/O1", &[], 5, moved(&[("20", "1")])),
                shipped("S1", 10, &TEN),
                delivered("S1", 20),
            ],
            "O1 ready 10 EUR",
        ),
        (
            "the proof is asked for",
            "",
            vec![created(&[line("10", "4", "2.50")], pod.clone()), shipped("S1", 10, &TEN), delivered("S1", 20)],
            "O1 blocked 10 EUR: pod_missing",
        ),
        (
            "the proof is there",
            "",
            vec![
                created(&[line("10", "4", "2.50")], pod.clone()),
                shipped("S1", 10, &TEN),
                delivered("S1", 20),
                proof("S1", 21),
            ],
            "O1 ready 10 EUR",
        ),
        (
            "the customer's entry asks for no proof",
            "[[customers]]\nkey = 'Acme'\nproof = 'never'",
            vec![created(&[line("10", "4", "2.50")], pod), shipped("S1", 10, &TEN), delivered("S1", 20)],
            "O1 ready 10 EUR",
        ),
        (
            "less was delivered than shipped",
            "",
            with(
                simple()[..2].to_vec(),
                [event("tms", "shipment.delivered", "shipment/S1", &[], 20, moved(&[("10", "3")]))],
            ),
            "O1 blocked 10 EUR: quantity_mismatch",
        ),
        (
            "within the tolerance of quantities",
            "[tolerance]\nquantity = '25'",
            with(
                simple()[..2].to_vec(),
                [event("tms", "shipment.delivered", "shipment/S1", &[], 20, moved(&[("10", "3")]))],
            ),
            "O1 ready 10 EUR",
        ),
        (
            "more left than was ordered",
            "",
            vec![created(&[line("10", "3", "2.50")], json!({})), shipped("S1", 10, &TEN), delivered("S1", 20)],
            "O1 blocked 7.5 EUR: over_shipped",
        ),
        ("a return is open", "", with(simple(), [back.clone()]), "O1 blocked 7.5 EUR: return_open"),
        (
            "the return is settled",
            "",
            with(simple(), [back, event("finance", "return.settled", "return/R1", &[], 27, json!({}))]),
            "O1 ready 7.5 EUR",
        ),
        (
            "a line has no price",
            "",
            vec![
                created(&[json!({"line": "10", "quantity": "4"})], json!({})),
                shipped("S1", 10, &TEN),
                delivered("S1", 20),
            ],
            "O1 blocked ?: price_missing",
        ),
        (
            "the price check failed",
            "",
            with(simple(), [event("billing", "price.validated", "order/O1", &[], 22, json!({"result": "rejected"}))]),
            "O1 blocked 10 EUR: price_rejected",
        ),
        ("prices must be validated", "[policy]\nprice = 'validated'", simple(), "O1 blocked 10 EUR: price_rejected"),
        ("tax must be determined", "[policy]\ntax = 'determined'", simple(), "O1 blocked 10 EUR: tax_missing"),
        (
            "the tax is determined",
            "[policy]\ntax = 'determined'",
            with(simple(), [event("billing", "tax.determined", "order/O1", &[], 22, json!({"tax": eur("1.90")}))]),
            "O1 ready 10 EUR",
        ),
        (
            "two currencies",
            "",
            vec![
                created(
                    &[
                        line("10", "4", "2.50"),
                        json!({"line": "20", "quantity": "1", "price": {"value": "5", "currency": "USD"}}),
                    ],
                    json!({}),
                ),
                shipped("S1", 10, &[("10", "4"), ("20", "1")]),
                delivered("S1", 20),
            ],
            "O1 blocked ?: mixed_currencies",
        ),
        (
            "yen with a fraction",
            "",
            vec![
                created(
                    &[json!({"line": "10", "quantity": "3", "price": {"value": "100.5", "currency": "JPY"}})],
                    json!({}),
                ),
                shipped("S1", 10, &[("10", "3")]),
                delivered("S1", 20),
            ],
            "O1 blocked 301.5 JPY: amount_precision",
        ),
        (
            "a product of more than 28 digits",
            "",
            vec![
                created(&[line("10", "12345678901234.123456789012", "98765432109876.543210")], json!({})),
                shipped("S1", 10, &[("10", "12345678901234.123456789012")]),
                delivered("S1", 20),
            ],
            "O1 blocked ?: amount_too_large",
        ),
        (
            "the charge is an estimate",
            "",
            with(simple(), [charge("charge.estimated", 12)]),
            "O1 blocked 10 EUR: charges_open",
        ),
        (
            "the charge is final",
            "",
            with(simple(), [charge("charge.estimated", 12), charge("charge.final", 22)]),
            "O1 ready 10 EUR",
        ),
        (
            "the charge is final and not approved",
            "[policy]\ncharges = 'approved'",
            with(simple(), [charge("charge.final", 22)]),
            "O1 blocked 10 EUR: charges_open",
        ),
        (
            "charges do not matter",
            "[policy]\ncharges = 'ignored'",
            with(simple(), [charge("charge.estimated", 12)]),
            "O1 ready 10 EUR",
        ),
        ("too little", "[policy]\nminimum = ['10.01 EUR']", simple(), "O1 not_due 10 EUR: below_minimum"),
        ("just enough", "[policy]\nminimum = ['10.00 EUR', '50 USD']", simple(), "O1 ready 10 EUR"),
        ("before the run", "[policy]\ncut_off = 'daily 18:00 UTC'", simple(), "O1 not_due 10 EUR: before_cut_off"),
        (
            "a blocked customer",
            "[[customers]]\nkey = 'Acme'\nblock = 'insolvent'",
            simple(),
            "O1 blocked 10 EUR: customer_blocked",
        ),
        (
            "a credit hold",
            "",
            with(simple(), [event("erp", "order.credit_checked", "order/O1", &[], 22, json!({"verdict": "held"}))]),
            "O1 blocked 10 EUR: credit_hold",
        ),
        (
            "a billing block",
            "",
            with(simple(), [event("erp", "order.changed", "order/O1", &[], 22, json!({"billing_block": "VAT id"}))]),
            "O1 blocked 10 EUR: billing_block",
        ),
        (
            "the billing block is lifted",
            "",
            with(
                simple(),
                [
                    event("erp", "order.changed", "order/O1", &[], 22, json!({"billing_block": "VAT id"})),
                    event("erp", "order.changed", "order/O1", &[], 23, json!({"billing_block": ""})),
                ],
            ),
            "O1 ready 10 EUR",
        ),
        (
            "a failed message",
            "",
            with(simple(), [event("middleware", "message.failed", "order/O1", &[], 22, json!({"reason": "refused"}))]),
            "O1 blocked 10 EUR: failed_event",
        ),
        (
            "billing reports a dispute",
            "",
            with(simple(), [event("billing", "billing.exception", "order/O1", &[], 22, json!({"code": "dispute"}))]),
            "O1 blocked 10 EUR: open_exception",
        ),
        ("a person holds it", "", with(simple(), [held(json!(null))]), "O1 blocked 10 EUR: manual_hold"),
        ("the hold has ended", "", with(simple(), [held(json!(at(60).to_rfc3339()))]), "O1 ready 10 EUR"),
        ("the hold goes on", "", with(simple(), [held(json!(at(101).to_rfc3339()))]), "O1 blocked 10 EUR: manual_hold"),
        (
            "the hold was released",
            "",
            with(simple(), [held(json!(null)), act("readiness.released", "order/O1", 30, json!({}))]),
            "O1 ready 10 EUR",
        ),
        (
            "a rule of one's own",
            "[[rules]]\nkey = 'papers'\npasses = \"'customs.cleared' in events\"\napplies = \"value >= dec('10')\"",
            simple(),
            "O1 blocked 10 EUR: papers",
        ),
        (
            "a rule of one's own that only waits",
            "[[rules]]\nkey = 'cool'\npasses = \"now - delivered_at > duration('2h')\"\notherwise = 'waits'",
            simple(),
            "O1 not_due 10 EUR: cool",
        ),
        (
            "a rule that cannot be answered does not say yes",
            "[[rules]]\nkey = 'late'\npasses = 'proof_at > delivered_at'",
            simple(),
            "O1 blocked 10 EUR: late",
        ),
        (
            "a built-in rule is put off",
            "[[rules]]\nkey = 'pod_missing'\noff = true",
            vec![
                created(&[line("10", "4", "2.50")], json!({"pod_required": true})),
                shipped("S1", 10, &TEN),
                delivered("S1", 20),
            ],
            "O1 ready 10 EUR",
        ),
        ("billed on shipping", "[policy]\nafter = 'shipped'", simple()[..2].to_vec(), "O1 ready 10 EUR"),
        (
            "only the order's amount is known",
            "",
            vec![
                event("erp", "order.created", "order/O1", &[], 0, json!({"customer": "Acme", "amount": eur("99.90")})),
                event("wms", "shipment.shipped", "shipment/S1", &["order/O1"], 10, json!({})),
                delivered("S1", 20),
            ],
            "O1 ready 99.9 EUR",
        ),
    ];
    for (name, rules, entries, expected) in cases {
        check(name, rules, entries, 100, &[expected]);
    }
}

#[test]
fn a_run_takes_what_was_complete_before_its_cut_off() {
    // Delivered at minute 20, 2026-09-21T14:33:20Z; the run is at 18:00.
    let rules = "[policy]\ncut_off = 'daily 18:00 UTC'";
    let before = order(rules, simple(), 100);
    let run = "2026-09-21T18:00:00Z".parse().unwrap();
    assert_eq!(before.wakes_at, Some(run));
    let minute = (run - at(0)).num_minutes() + 1;
    check("at the cut-off", rules, simple(), minute, &["O1 ready 10 EUR"]);
}
