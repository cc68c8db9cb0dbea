//! Goods that come back, exchanges, refunds and kits.

use super::*;

#[test]
fn returns_exchanges_and_refunds_do_not_turn_the_state_around() {
    let back = |quantity: &str, minute| {
        event("wms", "return.received", "return/R1", &["order/O1"], minute, moved(&[("10", quantity)]))
    };
    let settled = event("finance", "return.settled", "return/R1", &[], 60, json!({}));
    let credit = |quantity: &str, amount: &str| {
        let lines = json!([{"order": "O1", "line": "10", "quantity": quantity, "amount": eur(amount)}]);
        event(
            "finance",
            "credit_note.issued",
            "credit_note/CN1",
            &["return/R1", "invoice/I1"],
            55,
            json!({"lines": lines, "amount": eur(amount)}),
        )
    };
    let bill = || invoiced("I1", &["shipment/S1"], 30, &[("10", "4", "10.00")]);
    let cases: Vec<(&str, Vec<Entry>, &[&str])> = vec![
        // A full return before the invoice: there is nothing to bill, and nothing was billed.
        (
            "all back before billing",
            with(simple(), [back("4", 25), settled.clone()]),
            &["O1 not_due 0 EUR: nothing_to_bill"],
        ),
        // After a real invoice it stays billed, whether credited yet or not.
        ("all back after billing", with(simple(), [bill(), back("4", 40)]), &["O1 invoiced 10 EUR"]),
        (
            "all back and credited",
            with(simple(), [bill(), back("4", 40), credit("4", "10.00")]),
            &["O1 invoiced 0 EUR"],
        ),
        // An exchange: the other piece is billed already.
        (
            "exchanged",
            with(simple(), [bill(), back("4", 40), settled.clone(), shipped("S2", 50, &TEN), delivered("S2", 58)]),
            &["O1 invoiced 10 EUR"],
        ),
        // Credited and sent again: to be billed again.
        (
            "credited and sent again",
            with(
                simple(),
                [bill(), back("4", 40), credit("4", "10.00"), settled, shipped("S2", 50, &TEN), delivered("S2", 58)],
            ),
            &["O1 ready 10 EUR"],
        ),
        // A line of nothing asks for nothing.
        (
            "a zero line",
            vec![
                created(&[line("10", "4", "2.50"), line("20", "0", "9.00")], json!({})),
                shipped("S1", 10, &TEN),
                delivered("S1", 20),
                bill(),
            ],
            &["O1 invoiced 10 EUR"],
        ),
        // Paid for four, two were sent, two are cancelled and refunded: two stay billed.
        (
            "part refunded",
            vec![
                created(&[line("10", "4", "2.50")], json!({})),
                shipped("S1", 10, &[("10", "2")]),
                delivered("S1", 20),
                event("erp", "order.line_cancelled", "order/O1", &[], 25, moved(&[("10", "2")])),
                bill(),
                event(
                    "finance",
                    "credit_note.issued",
                    "credit_note/CN1",
                    &["invoice/I1"],
                    55,
                    json!({"lines": [{"line": "10", "quantity": "2", "amount": eur("5.00")}], "amount": eur("5.00")}),
                ),
            ],
            &["O1 invoiced 5 EUR"],
        ),
        // Money back for a scratch takes no quantity back.
        (
            "money back only",
            with(
                simple(),
                [
                    bill(),
                    event(
                        "finance",
                        "credit_note.issued",
                        "credit_note/CN1",
                        &["invoice/I1"],
                        55,
                        json!({"amount": eur("1.00")}),
                    ),
                ],
            ),
            &["O1 invoiced 10 EUR"],
        ),
    ];
    for (name, entries, expected) in cases {
        check(name, "", entries, 100, expected);
    }
}

#[test]
fn a_kit_is_billed_when_its_components_have_left() {
    let part = |id: &str, quantity: &str| json!({"line": id, "sku": id, "quantity": quantity, "parent": "10"});
    let kit = || created(&[line("10", "2", "50.00"), part("11", "4"), part("12", "2")], json!({}));
    let some = vec![kit(), shipped("S1", 10, &[("11", "4"), ("12", "1")]), delivered("S1", 20)];
    check("one kit is whole", "", some.clone(), 100, &["O1 blocked 100 EUR: not_fully_shipped"]);
    let all = with(some, [shipped("S2", 30, &[("12", "1")]), delivered("S2", 40)]);
    check("both kits are whole", "", all.clone(), 100, &["O1 ready 100 EUR"]);
    let billed = with(all.clone(), [invoiced("I1", &["order/O1"], 50, &[("10", "2", "100.00")])]);
    check("billed by the kit", "", billed, 100, &["O1 invoiced 100 EUR"]);
    check(
        "kits that are completed by the second shipment belong to it",
        "[policy]\nbill = 'per_shipment'",
        all,
        100,
        &["S1 ready 50 EUR", "S2 ready 50 EUR"],
    );
    // As many as are counted at all: a product of two such has more digits than can be kept.
    let most = "1000000000000000";
    let huge = vec![
        created(&[line("10", most, "50.00"), part("11", most)], json!({})),
        shipped("S1", 10, &[("11", most)]),
        delivered("S1", 20),
    ];
    let none = ["S1 not_due 0 EUR: nothing_to_bill", "O1 not_due 50000000000000000 EUR: not_shipped"];
    check("too many to count kits", "[policy]\nbill = 'per_shipment'", huge, 100, &none);
}
