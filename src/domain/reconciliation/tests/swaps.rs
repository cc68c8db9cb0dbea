//! Goods that come back for others, kits, and money given back in part: what is owed, billed and credited, by hand.

use super::*;

fn back(parts: &[(&str, &str)]) -> Entry {
    event("wms", "return.received", "return/R1", &["order/O1"], 40, moved(parts))
}

fn settled() -> Entry {
    event("finance", "return.settled", "return/R1", &[], 60, json!({}))
}

fn bill(id: &str, minute: i64, parts: &[(&str, &str, &str)]) -> Entry {
    invoiced(id, &["order/O1"], minute, parts)
}

fn credited(parts: &[(&str, &str, &str)]) -> Entry {
    let lines: Vec<Value> = parts
        .iter()
        .map(|(line, quantity, amount)| json!({"order": "O1", "line": line, "quantity": quantity, "amount": eur(amount)}))
        .collect();
    let amount = parts[0].2;
    credit(&["return/R1", "invoice/I1"], json!({"lines": lines, "amount": eur(amount)}))
}

fn check(cases: Vec<(&str, Vec<Entry>, Vec<&str>)>) {
    let mut wrong = Vec::new();
    for (name, entries, expected) in cases {
        let workflow = order("", entries, 100);
        let found = told(&workflow.discrepancies);
        if found != expected {
            wrong.push(format!("{name}: {found:?}, not {expected:?}"));
        }
        assert!(workflow.discrepancies.iter().all(|d| !d.evidence.is_empty()), "{name}: with its events");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Four at 2.50, shipped, delivered and billed, and all of them back.
fn returned(more: impl IntoIterator<Item = Entry>) -> Vec<Entry> {
    with([bill("I1", 30, &[("10", "4", "10.00")]), back(&[("10", "4")])].into_iter().chain(more))
}

fn again(quantity: &str) -> [Entry; 2] {
    [shipped("S2", 50, &[("10", quantity)]), delivered("S2", 58)]
}

#[test]
fn an_exchange_is_owed_until_the_other_goods_have_left_and_never_billed_twice() {
    let [sent, arrived] = again("4");
    let [three, there] = again("3");
    let other = event(
        "erp",
        "order.changed",
        "order/O1",
        &[],
        45,
        json!({"lines": [line("10", "4", "2.50"), line("20", "4", "3.00")]}),
    );
    let instead = shipped("S2", 50, &[("20", "4")]);
    check(vec![
        ("back, nothing sent yet", returned([]), vec!["return_without_credit R1 4 0 10 EUR"]),
        ("exchanged", returned([sent.clone(), arrived.clone(), settled()]), vec![]),
        ("three of four sent: one is owed", returned([three, there]), vec!["return_without_credit R1 1 0 2.5 EUR"]),
        (
            "exchanged and billed again",
            returned([sent.clone(), arrived.clone(), bill("I2", 70, &[("10", "4", "10.00")])]),
            vec!["duplicate_invoice I2 - - 10 EUR", "over_invoiced I2 4 8 10 EUR"],
        ),
        (
            "credited and sent again, not billed again",
            returned([credited(&[("10", "4", "10.00")]), sent.clone(), arrived.clone()]),
            vec!["shipped_not_billed O1 4 0 10 EUR"],
        ),
        (
            "credited, sent again and billed again",
            returned([credited(&[("10", "4", "10.00")]), sent, arrived, bill("I2", 70, &[("10", "4", "10.00")])]),
            vec![],
        ),
        (
            "something else instead: the one to be credited, the other to be billed",
            returned([other.clone(), instead.clone(), delivered("S2", 58)]),
            vec!["return_without_credit R1 4 0 10 EUR", "shipped_not_billed O1 4 0 12 EUR"],
        ),
        (
            "something else instead, credited and billed",
            returned([
                other,
                instead,
                delivered("S2", 58),
                credited(&[("10", "4", "10.00")]),
                bill("I2", 70, &[("20", "4", "12.00")]),
            ]),
            vec![],
        ),
    ]);
}

#[test]
fn a_kit_is_compared_by_the_kit() {
    let part = |id: &str, quantity: &str| json!({"line": id, "sku": id, "quantity": quantity, "parent": "10"});
    let kit = || created(&[line("10", "2", "50.00"), part("11", "4"), part("12", "2")], json!({}));
    let one = || vec![kit(), shipped("S1", 10, &[("11", "4"), ("12", "1")]), delivered("S1", 20)];
    let both = |more: Vec<Entry>| [one(), vec![shipped("S2", 22, &[("12", "1")]), delivered("S2", 25)], more].concat();
    let two = || bill("I1", 30, &[("10", "2", "100.00")]);
    let listed = || bill("I1", 30, &[("10", "2", "100.00"), ("11", "4", "0"), ("12", "2", "0")]);
    check(vec![
        ("both have left", both(vec![]), vec!["shipped_not_billed O1 2 0 100 EUR"]),
        ("one has left whole", one(), vec!["shipped_not_billed O1 1 0 50 EUR"]),
        ("billed by the kit", both(vec![two()]), vec![]),
        ("billed by the kit, with its parts listed", both(vec![listed()]), vec![]),
        (
            "two billed, one whole",
            [one(), vec![two()]].concat(),
            vec!["billed_not_shipped I1 1 2 50 EUR", "premature_invoice I1 - - 100 EUR"],
        ),
        ("three billed", both(vec![bill("I1", 30, &[("10", "3", "150.00")])]), vec!["over_invoiced I1 2 3 50 EUR"]),
        ("one billed", both(vec![bill("I1", 30, &[("10", "1", "50.00")])]), vec!["under_invoiced I1 2 1 50 EUR"]),
        (
            "a whole kit is back",
            both(vec![two(), back(&[("11", "2"), ("12", "1")])]),
            vec!["return_without_credit R1 1 0 50 EUR"],
        ),
        (
            "a whole kit is back and credited",
            both(vec![two(), back(&[("11", "2"), ("12", "1")]), credited(&[("10", "1", "50.00")])]),
            vec![],
        ),
        (
            "a component is back without the rest",
            both(vec![two(), back(&[("11", "2")])]),
            vec!["return_without_credit R1 2 0 -"],
        ),
        (
            "one kit is back, and more of a component",
            both(vec![two(), back(&[("11", "3"), ("12", "1")]), credited(&[("10", "1", "50.00")])]),
            vec!["return_without_credit R1 1 0 -"],
        ),
        (
            "a component is back and money was given for it",
            both(vec![two(), back(&[("11", "2")]), credited(&[("11", "2", "10.00")])]),
            vec![],
        ),
        (
            "a component is back before the kit was billed",
            both(vec![back(&[("11", "2")])]),
            vec!["shipped_not_billed O1 2 0 100 EUR"],
        ),
        (
            "the kit itself is named when it is back",
            both(vec![two(), back(&[("10", "1")]), credited(&[("10", "1", "50.00")])]),
            vec![],
        ),
    ]);
}

#[test]
fn money_back_in_part_leaves_what_was_delivered_and_what_is_still_to_ship() {
    // Four billed at once, two sent, two to be sent later.
    let begun = |more: Vec<Entry>| {
        let start = vec![
            created(&[line("10", "4", "2.50")], json!({})),
            shipped("S1", 10, &[("10", "2")]),
            delivered("S1", 20),
            bill("I1", 30, &[("10", "4", "10.00")]),
        ];
        [start, more].concat()
    };
    let cancelled = || event("erp", "order.line_cancelled", "order/O1", &[], 45, moved(&[("10", "1")]));
    let refund = || credit(&["invoice/I1"], json!({"lines": [{"line": "10", "quantity": "1"}], "amount": eur("2.50")}));
    let later = || [shipped("S2", 70, &[("10", "1")]), delivered("S2", 80)];
    check(vec![
        ("billed ahead", begun(vec![]), vec!["billed_not_shipped I1 2 4 5 EUR", "premature_invoice I1 - - 10 EUR"]),
        (
            "one cancelled, not refunded",
            begun(vec![cancelled()]),
            vec!["over_invoiced I1 3 4 2.5 EUR", "premature_invoice I1 - - 10 EUR"],
        ),
        (
            "one cancelled and refunded, one to be sent",
            begun(vec![cancelled(), refund()]),
            vec!["billed_not_shipped I1 2 3 2.5 EUR", "premature_invoice I1 - - 10 EUR"],
        ),
        ("and that one sent later", begun([vec![cancelled(), refund()], later().into()].concat()), vec![]),
        (
            "one that was sent comes back and is refunded, two are to be sent",
            begun(vec![back(&[("10", "1")]), credited(&[("10", "1", "2.50")])]),
            vec!["billed_not_shipped I1 2 3 2.5 EUR", "premature_invoice I1 - - 10 EUR"],
        ),
    ]);
    let workflow = order("", begun(vec![cancelled(), refund()]), 100);
    let line = &workflow.lines[0];
    let figures = [line.ordered, line.cancelled, line.shipped, line.delivered, line.invoiced, line.credited];
    assert_eq!(figures.map(|d| d.normalize().to_string()), ["4", "1", "2", "2", "4", "1"]);
}
