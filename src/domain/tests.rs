//! Laws and stories of state: arrival order, grouping and repetition change nothing; each rule says what it must.

#![allow(clippy::unwrap_used)]

use chrono::{DateTime, Utc};
use milepost_ingest::{Event, ObjectRef};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::json;

use super::*;

mod landscape;

pub fn definitions() -> Definitions {
    let files = ["order-to-cash", "freight-settlement", "returns", "inbound", "inventory-sync"].map(|name| {
        let file = format!("{}/definitions/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        (format!("{name}.toml"), std::fs::read_to_string(file).unwrap())
    });
    Definitions::load(&files.into_iter().collect()).unwrap()
}

pub fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + minute * 60, 0).unwrap()
}

/// `event("wms", "shipment.shipped", "shipment/S1", &["order/O1"], minute, data)`; received one minute later.
pub fn event(system: &str, kind: &str, object: &str, refs: &[&str], minute: i64, data: serde_json::Value) -> Entry {
    let serde_json::Value::Object(data) = data else { panic!("data is an object") };
    Entry {
        event: Event {
            id: format!("{system}-{kind}-{object}-{minute}"),
            kind: kind.to_owned(),
            schema_version: 1,
            source: format!("{system}/1"),
            system: system.to_owned(),
            object: ObjectRef::parse(object).unwrap(),
            refs: refs.iter().map(|r| ObjectRef::parse(r).unwrap()).collect(),
            occurred_at: at(minute).fixed_offset(),
            trace: Default::default(),
            data,
            index: 0,
        },
        received_at: at(minute + 1),
        payload: 0,
    }
}

/// One order with two lines, shipped in two shipments on one load, delivered, billed and paid.
pub fn story() -> Vec<Entry> {
    let lines = json!([
        {"line": "10", "sku": "A", "quantity": "5", "unit": "EA"},
        {"line": "20", "sku": "B", "quantity": "2.5", "unit": "KG"}
    ]);
    let part = |line: &str, quantity: &str| json!({"lines": [{"order": "O1", "line": line, "quantity": quantity}]});
    let money = json!({"value": "100.10", "currency": "EUR"});
    vec![
        event(
            "erp",
            "order.created",
            "order/O1",
            &[],
            0,
            json!({"lines": lines, "amount": money, "customer": "Acme", "pod_required": true}),
        ),
        event("erp", "order.credit_checked", "order/O1", &[], 1, json!({"verdict": "approved"})),
        event("erp", "order.released", "order/O1", &[], 5, json!({})),
        event("wms", "inventory.allocated", "order/O1", &[], 8, json!({"lines": lines})),
        event("wms", "shipment.created", "shipment/S1", &["order/O1"], 9, part("10", "5")),
        event("wms", "shipment.created", "shipment/S2", &["order/O1"], 9, part("20", "2.5")),
        event("wms", "pick.completed", "shipment/S1", &[], 12, json!({})),
        event("wms", "pick.completed", "shipment/S2", &[], 13, json!({})),
        event("wms", "pack.completed", "shipment/S1", &[], 14, json!({})),
        event("wms", "pack.completed", "shipment/S2", &[], 15, json!({})),
        event("wms", "shipment.shipped", "shipment/S1", &["load/L1"], 20, part("10", "5")),
        event("wms", "shipment.shipped", "shipment/S2", &["load/L1"], 25, part("20", "2.5")),
        event("tms", "load.departed", "load/L1", &[], 30, json!({"carrier": "DHL"})),
        event("tms", "shipment.delivered", "shipment/S1", &[], 90, json!({})),
        event("tms", "shipment.delivered", "shipment/S2", &[], 95, json!({})),
        event("tms", "delivery.pod_received", "shipment/S1", &[], 100, json!({})),
        event("tms", "delivery.pod_received", "shipment/S2", &[], 101, json!({})),
        event(
            "billing",
            "invoice.issued",
            "invoice/I1",
            &["shipment/S1", "shipment/S2"],
            120,
            json!({"amount": money}),
        ),
        event("erp", "invoice.posted", "invoice/I1", &[], 130, json!({})),
        event("finance", "payment.received", "payment/P1", &["invoice/I1"], 200, json!({"amount": money})),
    ]
}

fn derived(entries: Vec<Entry>, minute: i64) -> Workflow {
    assemble(&definitions(), &ObjectRef::new("order", "O1"), entries, at(minute)).expect("a workflow")
}

fn reached(workflow: &Workflow, key: &str) -> Reached {
    workflow.milestones.iter().find(|m| m.key == key).unwrap().reached
}

#[test]
fn an_order_is_followed_from_release_to_payment() {
    let w = derived(story(), 1_000);
    let open: Vec<&str> = w
        .milestones
        .iter()
        .filter(|m| !matches!(m.reached, Reached::Full | Reached::Skipped))
        .map(|m| m.key.as_str())
        .collect();
    assert_eq!(open, [""; 0]);
    assert_eq!(w.status, Status::Done);
    assert_eq!(w.readiness.state, ReadinessState::Paid);
    assert_eq!(w.lines[1].invoiced, Decimal::new(25, 1));
    assert_eq!((w.customer.as_deref(), w.carrier.as_deref()), (Some("Acme"), Some("DHL")));
}

#[test]
fn half_shipped_is_partly_shipped_and_says_who_must_act() {
    let w = derived(
        story().into_iter().filter(|e| e.event.object.id != "S2" && e.event.occurred_at < at(26)).collect(),
        30,
    );
    assert_eq!(reached(&w, "shipped"), Reached::Part);
    let blocked = w.blocked_by.unwrap();
    assert_eq!((blocked.who.as_str(), blocked.code.as_str()), ("wms", "waiting"));
}

#[test]
fn what_was_shipped_does_not_wait_for_its_picking() {
    let w = derived(
        story().into_iter().filter(|e| !e.event.kind.starts_with("p") && e.event.occurred_at < at(26)).collect(),
        30,
    );
    assert_eq!((reached(&w, "picked"), reached(&w, "shipped")), (Reached::Skipped, Reached::Full));
    assert_eq!(w.blocked_by.unwrap().who, "tms");
}

#[test]
fn an_invoice_for_more_than_was_shipped_is_premature() {
    let late_second = |e: &Entry| e.event.object.id != "S2" && e.event.kind != "invoice.issued";
    let mut entries: Vec<Entry> = story().into_iter().filter(late_second).collect();
    entries.push(event(
        "billing",
        "invoice.issued",
        "invoice/I1",
        &["order/O1"],
        50,
        json!({"lines": [{"line": "20", "quantity": "2.5"}]}),
    ));
    let w = derived(entries, 60);
    assert!(w.exceptions.iter().any(|e| e.kind == "premature_invoice"), "{:?}", w.exceptions);
    assert_eq!(w.readiness.state, ReadinessState::Wrong);
}

#[test]
fn a_credit_hold_blocks_and_stops_the_clock() {
    let mut entries: Vec<Entry> = story().into_iter().take(1).collect();
    entries.push(event(
        "erp",
        "order.credit_checked",
        "order/O1",
        &[],
        10,
        json!({"verdict": "held", "reason": "limit"}),
    ));
    let held = derived(entries.clone(), 200);
    assert_eq!(held.blocked_by.as_ref().unwrap().code, "credit_hold");
    assert_eq!(held.status, Status::Blocked);
    entries.push(event("erp", "order.credit_released", "order/O1", &[], 100, json!({})));
    let free = derived(entries, 110);
    let release = free.slas.iter().find(|s| s.policy == "order-release").unwrap();
    assert_eq!((release.due_at, release.verdict), (at(120), Verdict::Open));
}

#[test]
fn an_order_never_released_is_breached_by_time_alone() {
    let created: Vec<Entry> = story().into_iter().take(1).collect();
    let early = derived(created.clone(), 10);
    assert_eq!((early.status, early.wakes_at), (Status::OnTrack, Some(at(22) + chrono::TimeDelta::seconds(30))));
    assert_eq!(derived(created.clone(), 25).status, Status::AtRisk);
    assert_eq!(derived(created, 31).status, Status::Breached);
}

#[test]
fn delivered_in_the_tms_and_open_in_the_wms_is_a_conflict_after_its_grace() {
    let seen = |e: &Entry| e.event.kind != "shipment.shipped" && e.event.occurred_at < at(100);
    let entries: Vec<Entry> = story().into_iter().filter(seen).collect();
    let conflicts = |w: Workflow| w.exceptions.iter().filter(|e| e.kind == "status_conflict").count();
    assert_eq!(conflicts(derived(entries.clone(), 100)), 0);
    assert_eq!(conflicts(derived(entries, 200)), 2);
}

#[test]
fn a_void_takes_its_event_and_its_links_away_also_when_it_comes_first() {
    let mut entries = story();
    let named = entries[5].event.id.clone();
    entries.insert(0, event("wms", "event.voided", "shipment/S2", &[], 300, json!({"event": named})));
    entries.truncate(9);
    let w = derived(entries, 400);
    assert!(w.objects.iter().all(|m| m.object.id != "S2"), "{:?}", w.objects);
}

#[test]
fn a_correction_moves_the_business_time_also_when_it_comes_first() {
    let mut entries: Vec<Entry> = story().into_iter().take(3).collect();
    let named = entries[2].event.id.clone();
    let right = at(90).to_rfc3339();
    entries.insert(
        0,
        event("erp", "event.corrected", "order/O1", &[], 3, json!({"event": named, "replace": {"time": right}})),
    );
    let w = derived(entries, 200);
    assert_eq!(w.milestones.iter().find(|m| m.key == "released").unwrap().at, Some(at(90)));
    assert_eq!(w.slas.iter().find(|s| s.policy == "order-release").unwrap().verdict, Verdict::MetLate);
}

#[test]
fn a_delivery_before_its_shipment_is_known_is_held_until_the_link_comes() {
    let definitions = definitions();
    let mut graph = Graph::default();
    let shipment = ObjectRef::new("shipment", "S1");
    let mut add = |e: Entry| {
        graph.add(&e.event.object, Fact::of(&e.event, e.received_at));
        graph.standing(&definitions, &shipment)
    };
    assert_eq!(add(story()[13].clone()), Standing::Held("order".to_owned()));
    assert_eq!(add(story()[4].clone()), Standing::Held("order/O1".to_owned()));
    assert_eq!(add(story()[0].clone()), Standing::Joined(vec![ObjectRef::new("order", "O1")]));
}

#[test]
fn orders_that_share_a_load_do_not_share_their_shipments() {
    let mut entries = story();
    entries.push(event("wms", "shipment.created", "shipment/S9", &["order/O9", "load/L1"], 9, json!({})));
    let w = derived(entries, 500);
    assert!(w.objects.iter().all(|m| m.object.id != "S9" && m.object.id != "O9"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Any order, any repetition: the same workflow, also with voids and corrections among the events.
    #[test]
    fn arrival_order_and_repetition_change_nothing(
        order in proptest::collection::vec(0..23_usize, 0..60),
        minute in 0..400_i64,
    ) {
        let mut all = story();
        let (shipped, released) = (all[10].event.id.clone(), all[2].event.id.clone());
        all.push(event("wms", "event.voided", "shipment/S1", &[], 21, json!({"event": shipped})));
        all.push(event("erp", "event.corrected", "order/O1", &[], 6, json!({"event": released, "replace": {"time": at(7).to_rfc3339()}})));
        all.push(event("erp", "order.changed", "order/O1", &[], 7, json!({"lines": [{"line": "10", "quantity": "4"}]})));
        let mut shuffled: Vec<Entry> = order.iter().map(|i| all[*i].clone()).collect();
        shuffled.extend(all.iter().rev().cloned());
        let late = |mut e: Entry| { e.received_at = at(-1); e };
        prop_assert_eq!(
            derived(all.into_iter().map(late).collect(), minute),
            derived(shuffled.into_iter().map(late).collect(), minute)
        );
    }
}

/// The first line of the story's order, after more events about it.
fn line_after(more: Vec<Entry>) -> Line {
    let keep = |e: &Entry| e.event.object.id != "S2" && e.event.occurred_at <= at(9);
    let mut entries: Vec<Entry> = story().into_iter().filter(keep).collect();
    entries.extend(more);
    derived(entries, 1_000).lines.remove(0)
}

fn shipped(object: &str, id: &str, lines: serde_json::Value) -> Entry {
    let mut entry = event("wms", "shipment.shipped", object, &["order/O1"], 20, json!({"lines": lines}));
    entry.event.id = id.to_owned();
    entry
}

fn codes(line: &Line) -> Vec<&str> {
    line.flaws.iter().map(|f| f.code.as_str()).collect()
}

#[test]
fn boxes_and_pieces_are_one_quantity_by_the_lines_own_units() {
    let box_of_2 = json!([{"unit": "CS", "quantity": "2", "of": "EA"}]);
    let line = line_after(vec![
        shipped("shipment/S1", "a", json!([{"line": "10", "quantity": "2", "unit": "CS", "units": box_of_2}])),
        shipped("shipment/S3", "b", json!([{"line": "10", "quantity": "1", "unit": "ea"}])),
    ]);
    assert_eq!((line.shipped, codes(&line)), (Decimal::from(5), vec![]));
    let said: Vec<String> = line
        .evidence
        .iter()
        .filter(|e| e.step == Step::Shipped)
        .map(|e| format!("{} {}", e.quantity, e.unit))
        .collect();
    assert_eq!(said, ["2 CS", "1 ea"]);
}

#[test]
fn a_unit_that_nobody_can_convert_is_shown_and_not_counted() {
    let line = line_after(vec![shipped("shipment/S1", "a", json!([{"line": "10", "quantity": "2", "unit": "PAL"}]))]);
    assert_eq!((line.shipped, codes(&line)), (Decimal::ZERO, vec!["unit_unknown"]));
    assert_eq!(line.evidence.last().unwrap().counted, None);
}

#[test]
fn lots_of_one_line_add_up_in_one_report_and_a_report_again_is_not_counted_again() {
    let lots = json!([{"line": "10", "quantity": "3", "lot": "A"}, {"line": "10", "quantity": "2", "lot": "B"}]);
    let mut again = shipped("shipment/S1", "b", lots.clone());
    again.event.occurred_at = at(21).fixed_offset();
    let line = line_after(vec![shipped("shipment/S1", "a", lots), again]);
    assert_eq!((line.shipped, codes(&line)), (Decimal::from(5), vec![]));
}

#[test]
fn impossible_quantities_are_flagged_and_not_clamped() {
    let of = |quantity: &str| shipped("shipment/S1", "a", json!([{"line": "10", "quantity": quantity}]));
    let over = line_after(vec![of("7")]);
    assert_eq!((over.shipped, codes(&over)), (Decimal::from(7), vec!["over_shipment"]));
    let negative = line_after(vec![of("-1")]);
    assert_eq!((negative.shipped, codes(&negative)), (Decimal::from(-1), vec!["negative_quantity"]));
    let wild = line_after(vec![
        of("79228162514264337593543950335"),
        shipped("shipment/S3", "b", json!([{"line": "10", "quantity": "79228162514264337593543950335"}])),
    ]);
    assert_eq!((wild.shipped, codes(&wild)), (Decimal::ZERO, vec!["absurd_quantity"]));
}

#[test]
fn a_serial_number_leaves_once() {
    let line = line_after(vec![
        shipped("shipment/S1", "a", json!([{"line": "10", "quantity": "2", "serials": ["X1", "X2"]}])),
        shipped("shipment/S3", "b", json!([{"line": "10", "quantity": "2", "serials": ["X2"]}])),
    ]);
    assert_eq!(codes(&line), ["serial_twice", "serials_differ"]);
}

#[test]
fn goods_that_nobody_ordered_have_a_line_of_their_own() {
    let keep = |e: &Entry| e.event.occurred_at <= at(9);
    let mut entries: Vec<Entry> = story().into_iter().filter(keep).collect();
    entries.push(shipped("shipment/S1", "a", json!([{"order": "O1", "line": "99", "sku": "Z", "quantity": "4"}])));
    let lines = derived(entries, 1_000).lines;
    let stray = lines.iter().find(|l| l.line == "99").unwrap();
    assert_eq!((stray.shipped, codes(stray)), (Decimal::from(4), vec!["not_ordered"]));
}

#[test]
fn an_items_master_data_converts_its_units_also_when_it_comes_last() {
    let line = line_after(vec![
        shipped("shipment/S1", "a", json!([{"line": "10", "quantity": "2.5", "unit": "CS"}])),
        event(
            "erp",
            "item.upserted",
            "item/A",
            &[],
            30,
            json!({"unit": "EA", "units": [{"unit": "CS", "quantity": "2"}]}),
        ),
    ]);
    assert_eq!((line.shipped, codes(&line)), (Decimal::from(5), vec![]));
}

#[test]
fn delivered_in_the_tms_open_in_the_wms_unknown_in_finance() {
    let seen = |e: &Entry| e.event.kind != "shipment.shipped" && e.event.occurred_at < at(100);
    let w = derived(story().into_iter().filter(seen).collect(), 200);
    let said: Vec<&str> =
        w.exceptions.iter().filter(|e| e.kind == "status_conflict").map(|e| e.detail.as_str()).collect();
    assert!(said.contains(&"S1: delivered in the TMS, packed in the WMS, unknown in finance"), "{said:?}");
    let shipment = w.objects.iter().find(|m| m.object.id == "S1").unwrap();
    let believed: Vec<(&str, &str)> = shipment.beliefs.iter().map(|b| (b.system.as_str(), b.state.as_str())).collect();
    assert_eq!(believed, [("wms", "packed"), ("tms", "delivered")]);
}

#[test]
fn a_cancel_by_the_warehouse_is_kept_shown_and_without_effect() {
    let mut entries = story();
    entries.push(event("wms", "order.cancelled", "order/O1", &[], 50, json!({})));
    entries.push(event("wms", "order.changed", "order/O1", &[], 51, json!({"priority": "low"})));
    entries.push(event("erp", "order.changed", "order/O1", &[], 52, json!({"priority": "high"})));
    let w = derived(entries, 60);
    assert_ne!(w.status, Status::Cancelled);
    assert_eq!(w.priority.as_deref(), Some("high"));
    let said: Vec<&str> =
        w.exceptions.iter().filter(|e| e.kind == "unauthorised_source").map(|e| e.detail.as_str()).collect();
    assert!(said.iter().any(|d| d.contains("cancelled by wms/1")), "{said:?}");
    let root = w.objects.first().unwrap();
    assert!(root.beliefs.iter().any(|b| b.system == "wms" && b.state == "changed"), "{root:?}");
}

#[test]
fn what_is_held_is_released_and_discarded_by_hand_and_taken_back() {
    let definitions = definitions();
    let shipment = ObjectRef::new("shipment", "S1");
    let mut graph = Graph::default();
    let mut add = |e: &Entry| {
        graph.add(&e.event.object, Fact::of(&e.event, e.received_at));
        graph.standing(&definitions, &shipment)
    };
    let discarded = landscape::act("held.discarded", "shipment/S1", &[], 110, json!({"reason": "a test"}));
    let undone = landscape::act("event.voided", "shipment/S1", &[], 111, json!({"event": discarded.event.id}));
    assert_eq!(add(&story()[13]), Standing::Held("order".to_owned()));
    assert_eq!(add(&discarded), Standing::SetAside("discarded", at(110)));
    assert_eq!(add(&undone), Standing::Held("order".to_owned()));
    assert_eq!(add(&story()[0]), Standing::Held("order".to_owned()));
    let linked = landscape::act("object.linked", "shipment/S1", &["order/O1"], 112, json!({"reason": "by phone"}));
    assert_eq!(add(&linked), Standing::Joined(vec![ObjectRef::new("order", "O1")]));
}

#[test]
fn a_replay_without_effect_is_an_exception_until_its_effect_is_seen() {
    let silent = |awaits: serde_json::Value, payload: &str| {
        let data = json!({"replay": "r1", "payload": payload, "via": "billing", "sent_at": at(106), "awaits": awaits});
        event("milepost", "replay.without_effect", "shipment/S1", &[], 110, data)
    };
    let found = |act: &Entry, minute: i64| {
        let told = story().into_iter().chain([act.clone()]).filter(|entry| entry.received_at <= at(minute)).collect();
        let w = derived(told, minute);
        let of = |list: &[crate::domain::Exception]| list.iter().filter(|e| e.kind == "replay_without_effect").count();
        (of(&w.exceptions), of(&w.cured))
    };
    for awaits in [
        json!({"event": "invoice.issued"}),
        json!({"milestone": "invoiced"}),
        json!({"system": "billing"}),
        json!({"events": [{"object": "invoice/I1", "id": "billing-invoice.issued-invoice/I1-120"}]}),
    ] {
        let act = silent(awaits.clone(), "3f.2");
        assert_eq!(found(&act, 115), (1, 0), "{awaits}");
        assert_eq!(found(&act, 125), (0, 1), "the invoice came: {awaits}");
    }
    let never = silent(json!({"event": "customs.cleared"}), "");
    assert_eq!(found(&never, 115), (1, 0));
}
