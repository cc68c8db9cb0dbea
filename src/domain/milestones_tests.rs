//! The rules of milestones, one case each: events with a preference, repeats, parts and groups.
#![expect(clippy::unwrap_used, reason = "tests")]

use chrono::{DateTime, Utc};
use milepost_ingest::{Event, ObjectRef};
use serde_json::{Value, json};

use crate::domain::{Definitions, Entry, Files, Reached, Workflow, assemble};

const HEAD: &str = "key = 'x'\nversion = 1\ntitle = 'X'\nroot = 'order'\n[reach]\norder = ['shipment']\nshipment = ['load']\n\
    [[milestones]]\nkey = 'created'\ntitle = 'Created'\nsystem = 'erp'\nevents = ['order.created']\n";

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + minute * 60, 0).unwrap()
}

fn event(kind: &str, object: &str, refs: &[&str], minute: i64, data: Value) -> Entry {
    let Value::Object(data) = data else { panic!("data is an object") };
    let object = ObjectRef::parse(object).unwrap();
    let event = Event {
        id: format!("{kind}-{object}-{minute}"),
        kind: kind.to_owned(),
        schema_version: 1,
        source: "any/1".to_owned(),
        system: "wms".to_owned(),
        object,
        refs: refs.iter().map(|r| ObjectRef::parse(r).unwrap()).collect(),
        occurred_at: at(minute).fixed_offset(),
        trace: Default::default(),
        data,
        index: 0,
    };
    Entry { event, received_at: at(0), payload: 0 }
}

fn order(lines: &[(&str, &str)]) -> Entry {
    let lines: Vec<Value> = lines.iter().map(|(line, quantity)| json!({"line": line, "quantity": quantity})).collect();
    event("order.created", "order/O", &[], 0, json!({"lines": lines}))
}

fn shipment(id: &str, line: &str, quantity: &str) -> Entry {
    let data = json!({"lines": [{"order": "O", "line": line, "quantity": quantity}]});
    event("shipment.created", &format!("shipment/{id}"), &["order/O"], 1, data)
}

fn said(kind: &str, object: &str, minute: i64) -> Entry {
    event(kind, object, &[], minute, json!({}))
}

/// What the milestones given in TOML come to at a minute.
fn check(
    milestones: &str,
    entries: &[Entry],
    minute: i64,
    expected: &[(&str, Reached, &str, Option<i64>)],
) -> Workflow {
    let files: Files = [("x.toml".to_owned(), format!("{HEAD}{milestones}"))].into_iter().collect();
    let definitions = Definitions::load(&files).unwrap_or_else(|errors| panic!("{errors:?}"));
    let flow = assemble(&definitions, &ObjectRef::new("order", "O"), entries.to_vec(), at(minute)).unwrap();
    for (key, reached, share, minute) in expected {
        let found = flow.milestones.iter().find(|m| m.key == *key).unwrap();
        assert_eq!(
            (found.reached, found.share.to_string().as_str(), found.at),
            (*reached, *share, minute.map(at)),
            "{key} in {milestones}"
        );
    }
    flow
}

#[test]
fn another_event_counts_once_the_preferred_one_was_waited_for() {
    let rule = "[[milestones]]\nkey = 'd'\ntitle = 'D'\nsystem = 'tms'\nevents = ['shipment.delivered', 'load.delivered']\n\
                prefer = 'shipment.delivered'\nprefer_for = '4h'\n";
    let load = event("load.planned", "load/L", &["shipment/S"], 2, json!({}));
    let told = [order(&[]), shipment("S", "10", "1"), load, said("load.delivered", "load/L", 60)];
    let waiting = check(rule, &told, 100, &[("d", Reached::No, "0", None)]);
    assert_eq!(waiting.wakes_at, Some(at(300)), "time alone changes it");
    check(rule, &told, 300, &[("d", Reached::Full, "1", Some(60))]);
    let better = [&told[..], &[said("shipment.delivered", "shipment/S", 65)]].concat();
    check(rule, &better, 100, &[("d", Reached::Full, "1", Some(65))]);
    check(rule, &better, 900, &[("d", Reached::Full, "1", Some(65))]);
}

#[test]
fn a_repeated_milestone_is_complete_with_the_last_of_its_times() {
    let rule = "[[milestones]]\nkey = 't'\ntitle = 'T'\nsystem = 'tms'\nevents = ['shipment.in_transit']\ntimes = 3\n";
    let told = |n: i64| {
        let mut all = vec![order(&[]), shipment("S", "10", "1")];
        all.extend((0..n).map(|i| said("shipment.in_transit", "shipment/S", 10 + i)));
        all
    };
    check(rule, &told(0), 99, &[("t", Reached::No, "0", None)]);
    check(rule, &told(2), 99, &[("t", Reached::Part, "0.6667", Some(10))]);
    check(rule, &told(4), 99, &[("t", Reached::Full, "1", Some(12))]);
}

#[test]
fn parts_roll_up_as_all_any_or_weighted() {
    let rule = |mode: &str| {
        format!(
            "[[milestones]]\nkey = 's'\ntitle = 'S'\nsystem = 'wms'\nevents = ['shipment.departed']\nper = 'shipment'\n{mode}"
        )
    };
    let told = [
        order(&[("10", "8"), ("20", "2")]),
        shipment("A", "10", "8"),
        shipment("B", "20", "2"),
        said("shipment.departed", "shipment/A", 30),
    ];
    check(&rule(""), &told, 99, &[("s", Reached::Part, "0.8", Some(30))]);
    check(&rule("roll_up = 'weighted'"), &told, 99, &[("s", Reached::Part, "0.8", Some(30))]);
    check(&rule("roll_up = 'all'"), &told, 99, &[("s", Reached::Part, "0.5", Some(30))]);
    check(&rule("roll_up = 'any'"), &told, 99, &[("s", Reached::Full, "1", Some(30))]);
    let both = [&told[..], &[said("shipment.departed", "shipment/B", 20)]].concat();
    for mode in ["", "roll_up = 'weighted'", "roll_up = 'all'"] {
        check(&rule(mode), &both, 99, &[("s", Reached::Full, "1", Some(30))]);
    }
    check(&rule("roll_up = 'any'"), &both, 99, &[("s", Reached::Full, "1", Some(20))]);
}

#[test]
fn a_milestone_per_line_needs_every_line() {
    let rule = |mode: &str| {
        format!(
            "[[milestones]]\nkey = 'l'\ntitle = 'L'\nsystem = 'wms'\nevents = ['inventory.allocated']\nper = 'line'\n{mode}"
        )
    };
    let allocated = |line: &str, minute: i64| {
        event("inventory.allocated", "order/O", &[], minute, json!({"lines": [{"line": line, "quantity": "1"}]}))
    };
    let lines = order(&[("10", "9"), ("20", "1")]);
    let one = [lines.clone(), allocated("10", 5)];
    check(&rule(""), &one, 99, &[("l", Reached::Part, "0.5", Some(5))]);
    check(&rule("roll_up = 'weighted'"), &one, 99, &[("l", Reached::Part, "0.9", Some(5))]);
    check(
        &rule(""),
        &[lines.clone(), allocated("10", 5), allocated("20", 7)],
        99,
        &[("l", Reached::Full, "1", Some(7))],
    );
    // What names no line is about all of them.
    check(&rule(""), &[lines, said("inventory.allocated", "order/O", 6)], 99, &[("l", Reached::Full, "1", Some(6))]);
}

#[test]
fn a_group_is_reached_by_any_or_by_all_of_its_milestones() {
    let rule = |kind: &str| {
        format!(
            "[[milestones]]\nkey = 'pod'\ntitle = 'P'\nsystem = 'tms'\nevents = ['delivery.pod_received']\n\
             [[milestones]]\nkey = 'signed'\ntitle = 'S'\nsystem = 'tms'\nevents = ['shipment.delivered']\n\
             [[milestones]]\nkey = 'proof'\ntitle = 'Proof'\n{kind} = ['pod', 'signed']\n"
        )
    };
    let told = [order(&[]), shipment("S", "10", "1"), said("shipment.delivered", "shipment/S", 40)];
    let flow = check(
        &rule("any"),
        &told,
        99,
        &[
            ("pod", Reached::Skipped, "0", None),
            ("signed", Reached::Full, "1", Some(40)),
            ("proof", Reached::Full, "1", Some(40)),
        ],
    );
    assert!(flow.closed_at.is_some(), "alternatives are not waited for");
    check(&rule("all"), &told, 99, &[("pod", Reached::No, "0", None), ("proof", Reached::Part, "0.5", Some(40))]);
    let both = [&told[..], &[said("delivery.pod_received", "shipment/S", 50)]].concat();
    check(&rule("all"), &both, 99, &[("proof", Reached::Full, "1", Some(50))]);
    check(&rule("any"), &both, 99, &[("pod", Reached::Full, "1", Some(50)), ("proof", Reached::Full, "1", Some(40))]);
    let nothing = check(&rule("any"), &told[..2], 99, &[("proof", Reached::No, "0", None)]);
    assert!(nothing.closed_at.is_none());
    assert_eq!(nothing.blocked_by.unwrap().what, "“Proof” not reported yet");
}

#[test]
fn a_workflow_keeps_the_version_it_began_with_until_an_act_migrates_it() {
    let files: Files = [
        ("x.toml", HEAD.replace("version = 1", &format!("version = 2\nsince = '{}'", at(100).to_rfc3339()))),
        ("x@1.toml", HEAD.to_owned()),
    ]
    .into_iter()
    .collect();
    let definitions = Definitions::load(&files).unwrap();
    let version = |entries: Vec<Entry>| {
        assemble(&definitions, &ObjectRef::new("order", "O"), entries, at(900)).unwrap().definition_version
    };
    let born = |minute: i64| event("order.created", "order/O", &[], minute, json!({}));
    let act = |to: u32, minute: i64| {
        let mut act = event("definition.migrated", "order/O", &[], minute, json!({"to": to}));
        act.event.system = "milepost".to_owned();
        act
    };
    assert_eq!(version(vec![born(99)]), 1);
    assert_eq!(version(vec![born(100)]), 2);
    assert_eq!(version(vec![born(99), said("order.released", "order/O", 500)]), 1);
    assert_eq!(version(vec![born(99), act(2, 300)]), 2);
    assert_eq!(version(vec![born(99), act(1, 301), act(2, 300)]), 1);
    assert_eq!(version(vec![born(99), act(7, 300)]), 1, "there is no such version");
}
