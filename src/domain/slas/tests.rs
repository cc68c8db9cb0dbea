//! Stories of clocks, each kind of policy once, and the law: on any history, with any restarts, no breach is missed and
//! none invented, against a model that walks minute by minute.

#![allow(clippy::unwrap_used)]

use chrono::{DateTime, TimeDelta, Utc};
use milepost_ingest::ObjectRef;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::law::Model;
use crate::domain::tests::event;
use crate::domain::{Definitions, Entry, Files, Sla, Verdict, Workflow, assemble};

const MILESTONES: &str = r#"
key = "o2c"
version = 1
title = "Order to cash"
root = "order"
[reach]
order = ["shipment", "invoice"]
shipment = ["load", "invoice"]
[[milestones]]
key = "created"
title = "Created"
system = "erp"
events = ["order.created"]
[[milestones]]
key = "released"
title = "Released"
system = "erp"
events = ["order.released"]
[[milestones]]
key = "departed"
title = "Departed"
system = "tms"
events = ["shipment.departed"]
per = "shipment"
[[milestones]]
key = "delivered"
title = "Delivered"
system = "tms"
events = ["shipment.delivered"]
per = "shipment"
"#;

const OFFICE: &str = "zone = \"Europe/Berlin\"\ntitle = \"Berlin hours\"\n[hours]\nmon-fri = [\"08:00-12:00\", \"12:30-17:00\"]\n[serves]\nwarehouses = [\"BER\"]\n";

const RELEASE: &str = "[[slas]]\nkey = \"release\"\ntitle = \"Release\"\nfrom = \"created\"\nto = \"released\"\n";

pub(super) fn definitions(slas: &str) -> Definitions {
    let files = [("o2c.toml", format!("{MILESTONES}{slas}")), ("calendars/berlin.toml", OFFICE.to_owned())];
    Definitions::load(&files.into_iter().collect::<Files>()).unwrap()
}

fn refused(slas: &str) -> String {
    let files = [("o2c.toml", format!("{MILESTONES}{slas}")), ("calendars/berlin.toml", OFFICE.to_owned())];
    let errors = Definitions::load(&files.into_iter().collect::<Files>()).expect_err("refused");
    errors.iter().map(|e| e.what.clone()).collect::<Vec<_>>().join("\n")
}

/// Monday 2 November 2026, midnight UTC.
pub(super) fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_793_577_600 + minute * 60, 0).unwrap()
}

pub(super) fn told(
    system: &str,
    kind: &str,
    object: &str,
    refs: &[&str],
    minute: i64,
    received: i64,
    data: Value,
) -> Entry {
    let mut entry = event(system, kind, object, refs, 0, data);
    entry.event.id = format!("{kind}-{object}-{minute}-{received}");
    entry.event.occurred_at = at(minute).fixed_offset();
    entry.received_at = at(received);
    entry
}

pub(super) fn order(kind: &str, minute: i64, received: i64, data: Value) -> Entry {
    let system = if kind.starts_with("sla.") || kind.starts_with("exception.") { "milepost" } else { "erp" };
    told(system, kind, "order/O1", &[], minute, received, data)
}

pub(super) fn workflow(definitions: &Definitions, entries: &[Entry], minute: i64) -> Option<Workflow> {
    assemble(definitions, &ObjectRef::new("order", "O1"), entries.iter().cloned(), at(minute))
}

fn one(definitions: &Definitions, entries: &[Entry], minute: i64) -> Sla {
    workflow(definitions, entries, minute).unwrap().slas.into_iter().next().expect("a clock")
}

#[test]
fn the_arithmetic_is_told_with_calendar_and_pauses() {
    let d = definitions(&format!("{RELEASE}within = \"4h\"\npauses = [\"credit_hold\"]\ncalendar = \"berlin\"\n"));
    // 09:10 in Berlin is 08:10 UTC.
    let entries = [
        order("order.created", 490, 490, json!({})),
        order("order.credit_checked", 520, 520, json!({"verdict": "held"})),
        order("order.credit_released", 545, 545, json!({})),
    ];
    let sla = one(&d, &entries, 600);
    assert_eq!(
        sla.arithmetic.told(),
        "Mon 2 Nov 09:10 + 4 h in Berlin hours, paused 25 m for credit hold = Mon 2 Nov 14:05"
    );
    assert_eq!(sla.due_at, at(785));
    let standing = one(&d, &entries[..2], 600);
    assert_eq!((standing.verdict, standing.standing_since), (Verdict::Open, Some(at(520))));
    assert_eq!(
        standing.arithmetic.told(),
        "Mon 2 Nov 09:10 + 4 h in Berlin hours, paused since Mon 2 Nov 09:40 for credit hold: stands still"
    );
}

#[test]
fn a_pause_over_closing_time_counts_working_time_only() {
    let d = definitions(&format!("{RELEASE}within = \"2h\"\npauses = [\"credit_hold\"]\ncalendar = \"berlin\"\n"));
    // Created at 16:00 in Berlin, held from 16:30 until 08:30 of the next day: one working hour of the pause.
    let entries = [
        order("order.created", 900, 900, json!({})),
        order("order.credit_checked", 930, 930, json!({"verdict": "held"})),
        order("order.credit_released", 930 + 16 * 60, 930 + 16 * 60, json!({})),
    ];
    let sla = one(&d, &entries, 930 + 17 * 60);
    assert_eq!(sla.due_at, at(930 + 16 * 60 + 90), "{}", sla.arithmetic.told());
}

#[test]
fn the_most_specific_case_applies_and_says_why() {
    let d = definitions(&format!(
        "{RELEASE}within = \"4h\"\n\
         [[slas]]\nkey = \"vip\"\ncase_of = \"release\"\ncustomers = [\"Acme\"]\nwithin = \"1h\"\n\
         [[slas]]\nkey = \"vip-dear\"\ncase_of = \"release\"\ncustomers = [\"Acme\"]\nvalue_from = \"1000 EUR\"\nwithin = \"30m\"\n"
    ));
    let created = |customer: &str, value: &str| {
        let data = json!({"customer": customer, "amount": {"value": value, "currency": "EUR"}});
        one(&d, &[order("order.created", 0, 0, data)], 1)
    };
    let dear = created("Acme", "1000");
    assert_eq!((dear.policy.as_str(), dear.case.as_str(), dear.due_at), ("release", "vip-dear", at(30)));
    assert_eq!(dear.why, "applies to customer Acme, value from 1000 EUR, which is more specific than release, vip");
    assert_eq!(created("Acme", "999.99").case, "vip");
    let all = created("Globex", "5000");
    assert_eq!((all.due_at, all.why.as_str()), (at(240), "the policy for all; no narrower case fits"));
}

#[test]
fn the_calendar_may_be_that_of_the_warehouse() {
    let d = definitions(&format!("{RELEASE}within = \"1h\"\ncalendar = \"warehouse\"\n"));
    let due = |warehouse: &str| one(&d, &[order("order.created", 0, 0, json!({"warehouse": warehouse}))], 1).due_at;
    assert_eq!((due("BER"), due("ORD")), (at(8 * 60), at(60)));
}

#[test]
fn working_days_and_a_rest_before_the_end() {
    let d = definitions(&format!("{RELEASE}within = \"1wd\"\nwarn = \"2h left\"\ncalendar = \"berlin\"\n"));
    // Friday 15:00 in Berlin.
    let friday = 4 * 1_440 + 14 * 60;
    let sla = one(&d, &[order("order.created", friday, friday, json!({}))], friday);
    assert_eq!((sla.due_at, sla.warn_at), (at(friday + 3 * 1_440), at(friday + 3 * 1_440 - 120)));
}

#[test]
fn news_is_timed_until_another_system_speaks_of_it() {
    let d = definitions(
        "[[slas]]\nkey = \"news\"\ntitle = \"Known to billing\"\nevent = \"shipment.departed\"\nof = \"tms\"\nknown_to = \"billing\"\nwithin = \"15m\"\n",
    );
    let mut entries = vec![
        order("order.created", 0, 0, json!({})),
        told("wms", "shipment.created", "shipment/S1", &["order/O1"], 5, 5, json!({})),
        told("tms", "shipment.departed", "shipment/S1", &[], 10, 10, json!({})),
    ];
    let running = one(&d, &entries, 20);
    assert_eq!((running.verdict, running.object.id.as_str(), running.due_at), (Verdict::Open, "S1", at(25)));
    assert_eq!(one(&d, &entries, 26).verdict, Verdict::Breached);
    entries.push(told("billing", "invoice.triggered", "invoice/I1", &["shipment/S1"], 24, 24, json!({})));
    assert_eq!((one(&d, &entries, 40).verdict, one(&d, &entries, 40).ended_at), (Verdict::Met, Some(at(24))));
}

#[test]
fn news_that_came_here_late_is_met_late() {
    let d = definitions(
        "[[slas]]\nkey = \"lag\"\ntitle = \"Told in time\"\nevent = \"order.released\"\nknown_to = \"milepost\"\nwithin = \"15m\"\n",
    );
    let entries =
        |received: i64| [order("order.created", 0, 0, json!({})), order("order.released", 10, received, json!({}))];
    assert_eq!(one(&d, &entries(25), 60).verdict, Verdict::Met);
    let late = one(&d, &entries(26), 60);
    assert_eq!((late.verdict, late.first_known), (Verdict::MetLate, None), "nobody could know of it at its due time");
}

#[test]
fn every_word_sets_the_clock_of_silence_anew_and_a_long_stretch_is_counted() {
    let d = definitions(
        "[[slas]]\nkey = \"silence\"\ntitle = \"Word from the road\"\nfrom = \"departed\"\nto = \"delivered\"\nword_from = [\"tms\"]\nwithin = \"12h\"\n",
    );
    let mut entries = vec![
        order("order.created", 0, 0, json!({})),
        told("wms", "shipment.created", "shipment/S1", &["order/O1"], 5, 5, json!({})),
        told("tms", "shipment.departed", "shipment/S1", &[], 10, 10, json!({})),
    ];
    assert_eq!(one(&d, &entries, 10 + 12 * 60).verdict, Verdict::AtRisk);
    assert_eq!(one(&d, &entries, 11 + 12 * 60).verdict, Verdict::Breached);
    entries.push(told("tms", "shipment.in_transit", "shipment/S1", &[], 800, 800, json!({})));
    let again = one(&d, &entries, 900);
    assert_eq!((again.verdict, again.breaches, again.due_at), (Verdict::Open, 1, at(800 + 720)));
    entries.push(told("tms", "shipment.delivered", "shipment/S1", &[], 1_000, 1_000, json!({})));
    let over = one(&d, &entries, 2_000);
    assert_eq!((over.verdict, over.breaches, over.due_at), (Verdict::MetLate, 1, at(730)));
}

#[test]
fn a_late_event_withdraws_a_breach_and_what_was_known_first_stays() {
    let d = definitions(&format!("{RELEASE}within = \"30m\"\n"));
    let mut entries = vec![order("order.created", 0, 0, json!({}))];
    assert_eq!(one(&d, &entries, 31).verdict, Verdict::Breached);
    entries.push(order("order.released", 20, 90, json!({})));
    assert_eq!(one(&d, &entries, 89).verdict, Verdict::Breached, "as of then it was not known");
    let withdrawn = one(&d, &entries, 95);
    assert_eq!((withdrawn.verdict, withdrawn.first_known), (Verdict::Withdrawn, Some(Verdict::Breached)));
}

#[test]
fn a_link_that_came_later_withdraws_a_breach_though_all_was_said_in_time() {
    let d = definitions(
        "[[slas]]\nkey = \"leave\"\ntitle = \"Leave\"\nfrom = \"created\"\nto = \"departed\"\nwithin = \"4h\"\n",
    );
    let entries = vec![
        order("order.created", 0, 0, json!({})),
        told("tms", "shipment.departed", "shipment/S1", &[], 60, 60, json!({})),
        // Only now, and of a later time, is it said whose shipment that is.
        told("wms", "shipment.packed", "shipment/S1", &["order/O1"], 500, 500, json!({})),
    ];
    assert_eq!(one(&d, &entries, 300).verdict, Verdict::Breached);
    let sla = one(&d, &entries, 600);
    assert_eq!((sla.verdict, sla.first_known), (Verdict::Withdrawn, Some(Verdict::Breached)));
}

#[test]
fn what_was_known_first_takes_in_what_hangs_from_the_order() {
    let d = definitions(
        "[[slas]]\nkey = \"leave\"\ntitle = \"Leave\"\nfrom = \"created\"\nto = \"departed\"\nwithin = \"4h\"\n",
    );
    let shipment = |kind: &str, refs: &[&str], minute: i64, received: i64| {
        told("wms", kind, "shipment/S1", refs, minute, received, json!({}))
    };
    let entries = |departed_known: i64, link_known: i64| {
        vec![
            order("order.created", 0, 0, json!({})),
            shipment("shipment.created", &["order/O1"], 5, link_known),
            told("tms", "shipment.departed", "shipment/S1", &[], 60, departed_known, json!({})),
            // Learnt late, of the time before, and nothing to do with it.
            shipment("price.validated", &[], 50, 900),
        ]
    };
    let said = |entries: &[Entry]| {
        let sla = one(&d, entries, 1_000);
        (sla.verdict, sla.first_known)
    };
    assert_eq!(said(&entries(61, 6)), (Verdict::Met, Some(Verdict::Met)));
    assert_eq!(said(&entries(500, 6)), (Verdict::Withdrawn, Some(Verdict::Breached)), "its departure was not known");
    assert_eq!(said(&entries(61, 500)), (Verdict::Withdrawn, Some(Verdict::Breached)), "nor whose shipment it was");
}

#[test]
fn a_waiver_says_who_and_why() {
    let d = definitions(&format!("{RELEASE}within = \"30m\"\n"));
    let waived = order("sla.waived", 40, 40, json!({"policy": "release", "reason": "agreed by phone"}));
    let entries = [order("order.created", 0, 0, json!({})), waived];
    let sla = one(&d, &entries, 50);
    let waiver = sla.waiver.as_ref().unwrap();
    assert_eq!(
        (sla.verdict, waiver.reason.as_str(), waiver.by.as_str()),
        (Verdict::Waived, "agreed by phone", "milepost/1")
    );
    assert_eq!(sla.first_known, Some(Verdict::Breached));
}

#[test]
fn policies_that_make_no_sense_are_refused() {
    for (text, what) in [
        (
            format!("{RELEASE}within = \"4h\"\ncalendar = \"mars\"\n"),
            "there is no calendar `mars`: known are always, berlin, and `warehouse`, `customer`, `carrier`",
        ),
        (
            format!("{RELEASE}within = \"4h\"\npauses = [\"lunch\"]\n"),
            "there is no pause `lunch`: known are credit_hold",
        ),
        (format!("{RELEASE}within = \"4h\"\nkind = \"promise\"\n"), "as it is written this is a duration"),
        (
            format!("{RELEASE}within = \"4h\"\nwarn = \"soon\"\n"),
            "expected a share between 0 and 1, or a rest like `1h left`",
        ),
        (
            format!("{RELEASE}within = \"4h\"\nvalue_from = \"much\"\n"),
            "`much` is no amount: expected for example `10000 EUR`",
        ),
        (
            format!("{RELEASE}within = \"4h\"\n[[slas]]\nkey = \"x\"\ncase_of = \"release\"\nwithin = \"1h\"\n"),
            "a case of a policy is narrowed by at least one condition",
        ),
        (
            "[[slas]]\nkey = \"x\"\ncase_of = \"nothing\"\ncustomers = [\"A\"]\n".to_owned(),
            "there is no policy `nothing`",
        ),
    ] {
        assert_eq!(refused(&text), what);
    }
}

#[test]
fn a_policy_that_leaves_a_part_of_its_way_more_time_than_the_whole_is_told() {
    let d = definitions(&format!(
        "[[slas]]\nkey = \"all\"\ntitle = \"All\"\nfrom = \"created\"\nto = \"departed\"\nwithin = \"1h\"\n{RELEASE}within = \"4h\"\n"
    ));
    let said: Vec<String> = d.iter().flat_map(|d| d.warnings.iter().map(ToString::to_string)).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("it allows less time than `release`"), "{said:?}");
}

/// One thing that happens in a random history.
#[derive(Clone, Debug)]
struct Happening {
    kind: usize,
    minute: i64,
    delay: i64,
}

/// Minutes that a history may last.
const LAST: i64 = 9_000;
const LIMIT: i64 = 240;

fn entries_of(created: i64, delay: i64, happenings: &[Happening]) -> Vec<Entry> {
    let mut entries = vec![order("order.created", created, created + delay, json!({}))];
    for h in happenings {
        let (kind, data) = match h.kind {
            0 => ("order.credit_checked", json!({"verdict": "held"})),
            1 => ("order.credit_released", json!({})),
            2 | 3 => ("order.released", json!({})),
            _ => {
                // Takes back the release that was told first.
                let Some(named) = entries.iter().find(|e| e.event.kind == "order.released") else { continue };
                ("event.voided", json!({"event": named.event.id}))
            }
        };
        entries.push(order(kind, h.minute, h.minute + h.delay, data));
    }
    entries
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Running,
    Breached,
    Met,
    MetLate,
}

/// What a person with a watch and a list of what has come in so far would say. Nothing of the code under test is used
/// but the hours of the calendar. Start, due time and release, by what was received until a minute.
fn look(model: &Model<'_>, received: i64) -> Option<(i64, Option<i64>, Option<i64>)> {
    let facts = model.known(received);
    let first = |kind: &str| facts.iter().find(|(_, e)| e.event.kind == kind).map(|(minute, _)| *minute);
    let start = first("order.created")?;
    Some((start, model.due(&facts, start, LIMIT, true), first("order.released")))
}

fn expected(model: &Model<'_>, now: i64) -> Said {
    match look(model, now) {
        None => Said::Nothing,
        Some((_, due, Some(released))) => {
            if due.is_none_or(|due| released <= due) {
                Said::Met
            } else {
                Said::MetLate
            }
        }
        Some((_, Some(due), None)) if now > due => Said::Breached,
        Some(_) => Said::Running,
    }
}

fn said(workflow: Option<&Workflow>) -> Said {
    match workflow.and_then(|w| w.slas.first()).map(|s| s.verdict) {
        None => Said::Nothing,
        Some(Verdict::Open | Verdict::AtRisk) => Said::Running,
        Some(Verdict::Breached) => Said::Breached,
        Some(Verdict::Met | Verdict::Withdrawn) => Said::Met,
        Some(Verdict::MetLate) => Said::MetLate,
        Some(other) => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A machine that looks only when something comes in, when its clock says so, and after a restart, knows at every
    /// minute at which it is up what the model says.
    #[test]
    fn no_breach_is_missed_and_none_invented(
        created in 0..3_000_i64,
        delay in prop_oneof![Just(0_i64), 0..2_000_i64],
        happenings in proptest::collection::vec(
            (0..5_usize, 0..6_000_i64, prop_oneof![Just(0_i64), 0..60_i64, 0..2_500_i64])
                .prop_map(|(kind, minute, delay)| Happening { kind, minute, delay }), 0..7),
        office in any::<bool>(),
        downs in proptest::collection::vec((0..LAST, 1..600_i64), 0..4),
    ) {
        let calendar = if office { "berlin" } else { "always" };
        let d = definitions(&format!("{RELEASE}within = \"4h\"\npauses = [\"credit_hold\"]\ncalendar = \"{calendar}\"\n"));
        let hours = d.calendars.get(calendar).unwrap();
        let open: Vec<bool> = (0..60_000).map(|m| hours.is_open(at(m))).collect();
        let entries = entries_of(created, delay, &happenings);
        let model = Model { entries: &entries, open: &open };
        let down = |minute: i64| downs.iter().any(|(from, length)| (*from..from + length).contains(&minute));
        let mut seen = Said::Nothing;
        let mut wake: Option<DateTime<Utc>> = None;
        let mut was_down = false;
        let mut looks = 0;
        for minute in 0..LAST {
            if down(minute) {
                was_down = true;
                continue;
            }
            let came = entries.iter().any(|e| e.received_at == at(minute));
            let woke = wake.is_some_and(|at_| at_ <= at(minute));
            if came || woke || was_down {
                let now = workflow(&d, &entries, minute);
                wake = now.as_ref().and_then(|w| w.wakes_at);
                seen = said(now.as_ref());
                was_down = false;
                looks += 1;
            }
            // Every minute is asked of the model where it may change its mind, and every so often elsewhere.
            if came || woke || minute % 97 == 0 {
                prop_assert_eq!(seen, expected(&model, minute), "minute {} of {:?}", minute, happenings);
            }
        }
        prop_assert!(looks < 60, "it looks only when there is something to see: {}", looks);
    }

    /// What was known first is what the model says with what was received by the due time.
    #[test]
    fn what_was_known_first_is_what_was_received_by_the_due_time(
        happenings in proptest::collection::vec(
            (0..5_usize, 0..2_000_i64, prop_oneof![Just(0_i64), 0..60_i64, 0..2_500_i64])
                .prop_map(|(kind, minute, delay)| Happening { kind, minute, delay }), 0..6),
        now in 0..5_000_i64,
    ) {
        let d = definitions(&format!("{RELEASE}within = \"4h\"\npauses = [\"credit_hold\"]\n"));
        let open = vec![true; 12_000];
        let entries = entries_of(100, 0, &happenings);
        let model = Model { entries: &entries, open: &open };
        let Some(workflow) = workflow(&d, &entries, now) else { return Ok(()) };
        // What was said of the order before it was created starts no clock.
        let Some(sla) = workflow.slas.first() else { return Ok(()) };
        let Some((_, Some(due), _)) = look(&model, now).filter(|_| sla.standing_since.is_none()) else { return Ok(()) };
        prop_assert_eq!(sla.due_at, at(due));
        let expected = match look(&model, due) {
            _ if now <= due => None,
            None => None,
            Some((_, _, Some(_))) => Some(Verdict::Met),
            Some((_, Some(then), None)) if due >= then => Some(Verdict::Breached),
            Some(_) => None,
        };
        prop_assert_eq!(sla.first_known, expected);
    }
}

#[test]
fn an_order_created_long_ago_is_an_open_breach_at_once() {
    let d = definitions(&format!("{RELEASE}within = \"30m\"\n"));
    let entries = [order("order.created", 0, 50_000, json!({}))];
    let sla = one(&d, &entries, 50_000);
    assert_eq!((sla.verdict, sla.first_known, sla.known_at), (Verdict::Breached, None, at(50_000)));
    assert!(at(50_000) - sla.due_at > TimeDelta::days(30));
}
