//! The smaller pages: held, failures, payloads, sources, objects, search, problems.

use milepost::domain::failures::{GroupAct, Rules};
use milepost::domain::{Definitions, Files};
use milepost::pages::failures::chart::Change;
use milepost::pages::failures::{self, Found, Standing};
use milepost::pages::notes::{self, Hit, Problem, Search};
use milepost::pages::params::Query;
use milepost::pages::payload::{self, Facts};
use milepost::pages::{held, integrations, object, triage};
use milepost::store::replays::{ReplayRow, SilentReplay};
use milepost::store::rows::*;
use milepost::store::{
    BadValue, CarrierSummary, DependencySummary, FailureGroup, HeldGroup, InvoiceFailures, Reach, Slot, SourceSummary,
    UsualHour,
};

use super::fixtures::*;
use super::{clock, frame, show};

fn failure(n: u32, found: &str) -> FailureRow {
    FailureRow {
        tenant: "acme".into(),
        payload: 0xabc,
        index: n,
        received_ms: NOW - i64::from(n) * MINUTE,
        stage: "validate".into(),
        code: "unknown_sku".into(),
        pointer: "/data/lines/0/sku".into(),
        expected: "an item of the item master".into(),
        found: found.into(),
        detail: "No item has this number.".into(),
        fingerprint: 0x1234_5678_9abc_def0,
        source: "wms/east-2".into(),
        event_type: "shipment.shipped".into(),
        event_id: format!("wms-{n}"),
        schema_version: 1,
        object_type: "shipment".into(),
        object_id: format!("SH-{n}"),
        offset: -1,
        ..FailureRow::default()
    }
}

fn group(row: &FailureRow) -> FailureGroup {
    FailureGroup {
        group_id: row.fingerprint,
        fingerprints: vec![row.fingerprint],
        stage: row.stage.clone(),
        code: row.code.clone(),
        pointer: "/data/lines/*/sku".into(),
        source: row.source.clone(),
        sources: vec![row.source.clone()],
        event_types: vec![row.event_type.clone()],
        expected: row.expected.clone(),
        found: row.found.clone(),
        detail: row.detail.clone(),
        step: row.step.clone(),
        target: row.target.clone(),
        count: 482,
        last_hour: 31,
        hours: (0..24).collect(),
        objects: 320,
        orders: 311,
        customers: 42,
        breached: 9,
        at_risk: 2,
        money: vec!["1240000.500000 EUR".into(), "77 USD".into()],
        first_ms: NOW - 9 * HOUR,
        last_ms: NOW - 4000,
        as_of_ms: NOW - 900,
        example_payload: row.payload,
        example_index: row.index,
        ..FailureGroup::default()
    }
}

fn act(group: u64, verb: &str, data: serde_json::Value) -> GroupAct {
    GroupAct {
        id: verb.into(),
        group,
        kind: format!("failure_group.{verb}"),
        by: "person/anna".into(),
        at: at(NOW - HOUR),
        data: data.as_object().cloned().unwrap_or_default(),
    }
}

/// The page of a group, with these acts on it.
fn page_of(groups: &[FailureGroup], acts: &[GroupAct], rows: &[FailureRow]) -> failures::group::Group {
    let (query, rules) = (Query::default(), Rules::of(acts));
    let values = [
        BadValue { found: "\"AB-7\"".into(), count: 300, last_ms: NOW },
        BadValue { found: "anna@example.com".into(), count: 182, last_ms: NOW },
    ];
    let facts = failures::group::Facts {
        tenant: "acme",
        one: failures::stand(&groups[..1], acts, NOW).remove(0),
        all: groups,
        acts,
        rules: &rules,
        values: &values,
        times: &[(NOW, 82), (NOW - 8 * HOUR, 400)].map(|(at, n)| (at / 600_000 * 600_000, n)),
        from_ms: NOW - 9 * HOUR,
        slot_ms: 600_000,
        changes: &[Change { at_ms: NOW - 8 * HOUR, what: "wms/east-2 sends shipment.shipped@2".into() }],
        rows,
        example: None,
        next: None,
        paged: false,
        query: &query,
        asked_for: groups[0].group_id,
    };
    failures::group::group(&clock(), facts)
}

fn found<'a>(query: &'a Query, groups: &'a [Standing<'a>], rows: &'a [FailureRow]) -> Found<'a> {
    Found { tenant: "acme", groups, rows, next: None, paged: false, filtered: false, search: String::new(), query }
}

#[test]
fn failures_are_told_by_cause_with_their_values() {
    let rows: Vec<FailureRow> = (0..20).map(|n| failure(n, "\"AB-7\"")).collect();
    let (groups, query) = ([group(&rows[0])], Query::parse("source=wms"));
    let html = show(
        "failures",
        &frame("failures", "Failures"),
        &failures::failures(&clock(), &found(&query, &failures::stand(&groups, &[], NOW), &rows)),
    );
    for said in ["Unknown sku at data.lines[].sku", "482", "311 orders", "1,240,000.50 EUR", "77.00 USD", "9 breached"]
    {
        assert!(html.contains(said), "{said}");
    }
    let acts = [
        act(groups[0].group_id, "assigned", serde_json::json!({"owner": "ben"})),
        act(groups[0].group_id, "resolved", serde_json::json!({"reason": "mapping mended"})),
        act(groups[0].group_id, "split", serde_json::json!({"by": "found", "value": "AB-7"})),
    ];
    let html = show("failure", &frame("failures", "Unknown sku"), &page_of(&groups, &acts, &rows));
    for said in
        ["Returned", "owned by <bdi>ben", "shipment.shipped@2", "Split off", "482 failures since", "mapping mended"]
    {
        assert!(html.contains(said), "{said}");
    }
    assert!(html.find("&quot;AB-7&quot;").unwrap() < html.find("•••• (16)").unwrap(), "the most frequent first");
    assert!(!html.contains("anna@"), "an address is nothing for a list of values");
}

#[test]
fn nothing_failed_and_nothing_held_is_good_news() {
    let query = Query::default();
    let html =
        show("failures-none", &frame("failures", "Failures"), &failures::failures(&clock(), &found(&query, &[], &[])));
    assert!(html.contains("Nothing has failed"));
    let html = show("held-none", &frame("held", "Held"), &held::held("acme", &clock(), &[], &[], None, false));
    assert!(html.contains("Nothing is held"));
    let html = show(
        "sources-none",
        &frame("sources", "Sources"),
        &integrations::integrations("acme", &clock(), integrations::Found::default()),
    );
    assert!(html.contains("No source has sent anything"));
}

fn body(text: &str, form: &str) -> PayloadRow {
    PayloadRow {
        tenant: "acme".into(),
        payload: 0xabc,
        received_ms: NOW,
        form: form.into(),
        source: "wms/east-2".into(),
        key_id: "k1".into(),
        headers: vec![("content-type".into(), "application/json".into())],
        body: text.as_bytes().to_vec(),
        events: 1,
        refused: 1,
        rules: "0123456789ab.cdef01234567".into(),
    }
}

#[test]
fn a_payload_opens_with_its_fault_marked() {
    let text = r#"[{"id":"a"},{"id":"wms-1","data":{"lines":[{"sku":"AB-7","quantity":1.50}]}}]"#;
    let (row, failures) = (body(text, "json"), [failure(1, "\"AB-7\"")]);
    for (name, index) in [("payload", Some(1)), ("payload-whole", None)] {
        let facts = Facts { tenant: "acme", row: row.clone(), failures: &failures, index, ..Facts::default() };
        let page = payload::payload(&clock(), facts);
        let bad: Vec<&str> = page.lines.iter().filter(|line| line.bad).map(|line| line.value.as_str()).collect();
        assert_eq!(bad, ["\"AB-7\""], "{name}");
        let html = show(name, &frame("", "Payload abc"), &page);
        assert!(html.contains("1.50") && html.contains("unknown sku"), "{name}");
    }
}

#[test]
fn bytes_that_are_no_text_are_shown_as_bytes() {
    let mut row = body("", "traces_protobuf");
    row.body = (0..=255).collect();
    let facts = Facts { tenant: "acme", row, ..Facts::default() };
    let html = show("payload-hex", &frame("", "Payload abc"), &payload::payload(&clock(), facts));
    assert!(html.contains("00 01 02 03"));
}

#[test]
fn a_huge_payload_is_cut_and_said_so() {
    let row = body(&format!("[{}1]", "1,".repeat(400_000)), "json");
    let facts = Facts { tenant: "acme", row, ..Facts::default() };
    let html = show("payload-huge", &frame("", "Payload abc"), &payload::payload(&clock(), facts));
    assert!(html.contains("the whole is a download away") && html.len() < 400_000, "{}", html.len());
}

fn source(name: &str, system: &str) -> SourceSummary {
    SourceSummary {
        source: name.into(),
        system: system.into(),
        forms: vec!["otlp/logs".into()],
        hour_events: 3412,
        hour_records: 3500,
        hour_duplicates: 12,
        hour_refused: 0,
        hour_errors: 0,
        day_events: 80_000,
        day_records: 82_000,
        day_duplicates: 40,
        day_refused: 3,
        day_errors: 0,
        day_bytes: 1 << 24,
        hour_lag_avg_ms: 1400,
        hour_lag_max_ms: 61_000,
        day_lag_avg_ms: 1500,
        last_ms: NOW - 20_000,
        series: (0..60).map(|n| 40 + n % 17).collect(),
        refused_series: vec![0; 60],
        usual_gap_ms: 2 * MINUTE,
        contracts: vec!["shipment.shipped@1".into()],
        hour_lag_p50: size_of(1_200),
        hour_lag_p95: size_of(61_000),
        hour_lagged: 3412,
        now_lag_p50: size_of(1_200),
        hour_late: 30,
        hour_ahead: 2,
        hour_ahead_max_ms: 9_000,
    }
}

fn integrations_of(sources: &[SourceSummary]) -> integrations::Integrations {
    let carriers =
        [CarrierSummary { carrier: "DHL".into(), open: 40, breached: 3, at_risk: 1, on_the_way: 12, last_ms: NOW }];
    let dependencies = [DependencySummary {
        dependency: "ledger".into(),
        callers: vec!["billing/eu".into()],
        hour_calls: 200,
        hour_errors: 40,
        day_calls: 900,
        day_errors: 40,
        hour_p50: size_of(40),
        hour_p95: size_of(900),
        day_p95: size_of(900),
        hour_max_ms: 1_000,
        last_ms: NOW - 1000,
        series: vec![3; 60],
        error_series: vec![1; 60],
    }];
    let usual = [UsualHour { source: "erp/main".into(), weeks: vec![3_000, 4_000], days_before: vec![] }];
    let found = integrations::Found { sources, usual: &usual, carriers: &carriers, dependencies: &dependencies };
    integrations::integrations("acme", &clock(), found)
}

#[test]
fn a_silent_source_is_not_healthy_and_an_unknown_one_neither() {
    let healthy = SourceSummary { hour_lagged: 12, ..source("erp/main", "erp") };
    let silent = SourceSummary { last_ms: NOW - 14 * MINUTE, ..source("wms/east-2", "wms") };
    let unknown = SourceSummary { usual_gap_ms: 0, ..source("finance/ledger", "finance") };
    let erring = SourceSummary { hour_refused: 900, refused_series: vec![9; 60], ..source("tms/fleet", "tms") };
    let late = SourceSummary { now_lag_p50: size_of(20 * MINUTE), ..source("billing/rating", "billing") };
    let page = integrations_of(&[healthy, silent, unknown, erring, late]);
    let words: Vec<&str> = page.rows.iter().map(|row| row.badge.word).collect();
    assert_eq!(words, ["Silent", "Erroring", "Delayed", "Unknown", "Healthy"]);
    let html = show("sources", &frame("sources", "Sources"), &page);
    for said in [
        "14 m without a word, usually at most 2 m",
        "usual 3,000 to 4,000",
        "20 % of calls fail",
        "clock ahead up to 9 s",
        "3,400 events came as history and tell no lag",
    ] {
        assert!(html.contains(said), "{said}");
    }
}

#[test]
fn triage_answers_whether_it_is_us_the_network_or_a_partner() {
    let silent = SourceSummary { last_ms: NOW - 14 * MINUTE, ..source("wms/east-2", "wms") };
    let (sources, rows) = ([source("erp/main", "erp"), silent], [failure(0, "\"AB-7\"")]);
    let groups = [group(&rows[0])];
    let reach =
        Reach { shipped: 40, known: 38, fresh: 0, missing: vec!["SH-9".into()], missing_since: vec![NOW - 3 * HOUR] };
    let invoices =
        InvoiceFailures { triggered: 12, issued: 10, failed: 2, invoices: 2, fingerprints: vec!["7".into()] };
    let carriers =
        [CarrierSummary { carrier: "DHL".into(), open: 40, breached: 3, at_risk: 1, on_the_way: 12, last_ms: NOW }];
    let facts = triage::Facts {
        tenant: "acme",
        sources: &sources,
        usual: &[],
        carriers: &carriers,
        dependencies: &[],
        groups: &failures::stand(&groups, &[], NOW),
        held: &held_rows().0,
        changes: &[Change { at_ms: NOW - HOUR, what: "wms runs version 2".into() }],
        reach: &reach,
        invoices: &invoices,
        replays: &[ReplayRow {
            id: "r1".into(),
            state: "finished".into(),
            words: "1 group".into(),
            reason: "item made".into(),
            by: "person/anna".into(),
            count: 482,
            proven: 480,
            failed: 2,
            created_ms: NOW - HOUR,
            finished_ms: NOW - HOUR,
            ..ReplayRow::default()
        }],
        silent: &[SilentReplay { replay: "r0".into(), count: 2, ..SilentReplay::default() }],
    };
    let html = show("triage", &frame("triage", "Triage"), &triage::triage(&clock(), facts));
    for said in [
        "wms/east-2 needs attention",
        "38 of 40 shipped",
        "/t/acme/o/shipment/SH-9",
        "2 failures in the last 24 hours",
        "DHL (3 of 40)",
        "311 orders",
        "wms runs version 2",
        "480 of 482 proven, 2 failed",
        "2 objects waiting for order",
        "2 records of no workflow were sent and no effect is seen",
        "/t/acme/replays/r0",
    ] {
        assert!(html.contains(said), "{said}");
    }
}

#[test]
fn a_source_has_its_day_in_pictures_and_in_tables() {
    let slot = |back: i64, days_ago: i64, events: u64| Slot {
        slot_ms: NOW.div_euclid(900_000) * 900_000 - back * 900_000,
        days_ago,
        events,
        refused: 3,
        late: 1,
        lag_p50: size_of(900),
        lag_p95: size_of(70_000),
        ..Slot::default()
    };
    let slots = [slot(0, 0, 10), slot(1, 0, 90), slot(1, 7, 70), slot(1, 14, 95)];
    let page = integrations::one::source(&clock(), "acme", &source("wms/east-2", "wms"), &[], &slots);
    let html = show("integration", &frame("integrations", "wms/east-2"), &page);
    for said in ["70 to 95", "100 events in the last day", "95 in 100 took at most", "As a table", "class=\"band\""] {
        assert!(html.contains(said), "{said}");
    }
}

fn held_rows() -> (Vec<HeldGroup>, Vec<ObjectRow>) {
    let row = |n: i64, waits: &str| ObjectRow {
        object_type: "shipment".into(),
        object_id: format!("SH-{n}"),
        state: "pod_received".into(),
        events: 2,
        first_ms: NOW - n * HOUR,
        last_ms: NOW - MINUTE,
        last_type: "delivery.pod_received".into(),
        last_source: "tms/fleet".into(),
        last_system: "tms".into(),
        held: true,
        held_since_ms: NOW - n * HOUR,
        waits_for: waits.into(),
        links: vec!["order/SO-1".into()],
        ..ObjectRow::default()
    };
    let groups = vec![HeldGroup {
        waits_for: "order".into(),
        objects: 2,
        events: 4,
        oldest_ms: NOW - 2 * HOUR,
        oldest_type: "shipment".into(),
        oldest_id: "SH-1".into(),
    }];
    (groups, vec![row(2, "order/SO-1"), row(1, "order")])
}

#[test]
fn held_says_what_each_waits_for() {
    let (groups, rows) = held_rows();
    let html = show("held", &frame("held", "Held"), &held::held("acme", &clock(), &groups, &rows, None, false));
    for said in ["Waiting for an order", "Released by itself", "/t/acme/o/order/SO-1", "any order", "2 h ago"] {
        assert!(html.contains(said), "{said}");
    }
    let html = show("object", &frame("", "SH-2"), &object::object("acme", &clock(), &rows[0], &events(), &spans()));
    assert!(html.contains("waits for order SO-1"));
    let then = object::object("acme", &clock(), &rows[0], &events(), &spans()).as_of(&clock(), NOW - HOUR);
    let html = show("object-then", &frame("", "SH-2"), &then);
    assert!(html.contains("This view does not move") && !html.contains("<h2 id=\"hands\">"));
}

#[test]
fn an_object_is_shown_as_it_was_known() {
    let told = |kind: &str, object: (&str, &str), refs: &[&str], received: i64| EventRow {
        object_type: object.0.into(),
        object_id: object.1.into(),
        event_id: format!("{kind}-{received}"),
        event_type: kind.into(),
        source: "wms/east-2".into(),
        system: if object.0 == "order" { "erp".into() } else { "wms".into() },
        occurred_ms: received,
        received_ms: received,
        refs: refs.iter().map(ToString::to_string).collect(),
        data: "{}".into(),
        ..EventRow::default()
    };
    let events = vec![
        told("shipment.created", ("shipment", "SH-2"), &[], NOW - 4 * HOUR),
        told("order.created", ("order", "SO-1"), &[], NOW - 3 * HOUR),
        told("pick.completed", ("shipment", "SH-2"), &["order/SO-1"], NOW - 2 * HOUR),
        told("shipment.shipped", ("shipment", "SH-2"), &[], NOW - HOUR),
    ];
    let now = ObjectRow { object_type: "shipment".into(), object_id: "SH-2".into(), ..ObjectRow::default() };
    let path = format!("{}/definitions/order-to-cash.toml", env!("CARGO_MANIFEST_DIR"));
    let files = [("order-to-cash.toml", std::fs::read_to_string(path).unwrap())].into_iter().collect::<Files>();
    let definitions = Definitions::load(&files).unwrap();
    let known = |hours: i64| object::past::known(&definitions, &now, events.clone(), NOW - hours * HOUR);
    assert_eq!(known(5), None, "nobody had spoken of it");
    let held = known(3).unwrap();
    assert_eq!((held.held, held.state.as_str(), held.links.len()), (true, "created", 0));
    let joined = known(2).unwrap();
    assert_eq!((joined.held, joined.state.as_str(), joined.events), (false, "picked", 2));
    assert_eq!((joined.workflows, joined.links), (vec!["order/SO-1".to_owned()], vec!["order/SO-1".to_owned()]));
    assert_eq!(known(0).unwrap().state, "shipped");
}

#[test]
fn notes_say_one_thing() {
    let hit =
        Hit { kind: "Order".into(), id: "SO-1".into(), href: "/t/acme/w/order/SO-1".into(), note: "released".into() };
    let several = Search { text: "SO-1 SO-9".into(), hits: vec![hit.clone(), hit], missing: vec!["SO-9".into()] };
    assert!(show("search", &frame("", "Find"), &several).contains("1 not found"));
    let none = Search { text: "x".into(), hits: vec![], missing: vec!["x".into()] };
    assert!(show("search-none", &frame("", "Find"), &none).contains("Nothing is known as"));
    assert!(
        show("missing", &frame("", "Not found"), &Problem::not_found("acme", "Order SO-1"))
            .contains("Order SO-1 is not known here")
    );
    let away = Problem::store_away("1a2b3c4d", "/t/acme/board");
    assert!(show("away", &frame("", "The store does not answer"), &away).contains("1a2b3c4d"));
    let first = notes::first_run("127.0.0.1:8080", "data", "2026-11-22T10:42:07Z");
    assert!(show("first", &frame("", "Welcome"), &first).contains("milepost key create --data-dir data"));
}

#[test]
fn hostile_text_stays_text_on_the_smaller_pages() {
    for text in HOSTILE {
        let mut row = failure(0, text);
        for field in [
            &mut row.code,
            &mut row.pointer,
            &mut row.expected,
            &mut row.detail,
            &mut row.source,
            &mut row.event_type,
            &mut row.object_id,
            &mut row.object_type,
            &mut row.stage,
        ] {
            *field = text.into();
        }
        let (groups, query, rows) = ([group(&row)], Query::parse(&format!("q={text}")), [row.clone()]);
        let acts = [
            act(groups[0].group_id, "assigned", serde_json::json!({"owner": text, "reason": text})),
            act(groups[0].group_id, "runbook_set", serde_json::json!({"runbook": text})),
            act(groups[0].group_id, "split", serde_json::json!({"by": "found", "value": text})),
        ];
        let standing = failures::stand(&groups, &acts, NOW);
        let found = Found { search: text.into(), ..found(&query, &standing, &rows) };
        show("hostile", &frame("failures", text), &failures::failures(&clock(), &found));
        show("hostile", &frame("failures", text), &page_of(&groups, &acts, &rows));
        let mut bytes = body(&serde_json::json!([{ text: text }]).to_string(), text);
        bytes.headers = vec![(text.into(), text.into())];
        let facts = Facts { tenant: "acme", row: bytes, failures: &rows, attempts: &rows, ..Facts::default() };
        show("hostile", &frame("", text), &payload::payload(&clock(), facts));
        let mut sick = source(text, text);
        sick.contracts = vec![text.into()];
        show("hostile", &frame("sources", text), &integrations_of(&[sick]));
        let (mut waiting, mut rows) = held_rows();
        waiting[0].waits_for = text.into();
        rows[0].object_id = text.into();
        rows[0].waits_for = text.into();
        rows[0].links = vec![text.into(), format!("order/{text}")];
        show("hostile", &frame("held", text), &held::held(text, &clock(), &waiting, &rows, Some(text.into()), true));
        show("hostile", &frame("", text), &object::object(text, &clock(), &rows[0], &events(), &spans()));
        let search = Search { text: text.into(), hits: vec![], missing: vec![text.into()] };
        show("hostile", &frame("", text), &search);
    }
}
