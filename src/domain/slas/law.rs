//! The law of completeness for all five kinds of policy at once: on random histories with late events, voids, holds, new
//! promises and waivers, on calendars, with restarts, no breach is missed and none invented. The model is a person with a
//! watch and a list of what has come in so far, who walks minute by minute.

#![allow(clippy::unwrap_used)]

use chrono::{DateTime, SecondsFormat, Utc};
use proptest::prelude::*;
use serde_json::json;

use super::tests::{at, definitions, order, told, workflow};
use crate::domain::{Entry, Verdict, Workflow};

const POLICIES: [&str; 5] = ["release", "ship", "news", "word", "deliver"];
/// Minutes that a history lasts, and that the model looks ahead.
const LAST: i64 = 9_000;
const AHEAD: i64 = 20_000;
/// Minutes that the policies allow, where they do.
const RELEASE: i64 = 240;
const NEWS: i64 = 90;
const WORD: i64 = 180;
const DELIVER: i64 = 480;

fn policies(calendar: &str) -> String {
    let pauses = "pauses = [\"credit_hold\"]";
    format!(
        r#"
[[slas]]
key = "release"
title = "Release"
from = "created"
to = "released"
within = "4h"
calendar = "{calendar}"
{pauses}
[[slas]]
key = "ship"
title = "Promised"
from = "created"
to = "departed"
promise = "promised_ship"
[[slas]]
key = "news"
title = "Known to billing"
event = "shipment.departed"
of = "tms"
known_to = "billing"
within = "90m"
calendar = "{calendar}"
[[slas]]
key = "word"
title = "Word of the carrier"
from = "departed"
to = "delivered"
word_from = ["tms"]
within = "3h"
calendar = "{calendar}"
[[slas]]
key = "deliver"
title = "Delivery"
kind = "completion"
from = "departed"
to = "delivered"
within = "8h"
calendar = "{calendar}"
{pauses}
"#
    )
}

#[derive(Clone, Debug)]
struct Happening {
    kind: usize,
    minute: i64,
    delay: i64,
    which: usize,
}

const KINDS: usize = 11;

fn iso(minute: i64) -> String {
    at(minute).to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn entries_of(created: i64, delay: i64, promised: Option<i64>, happenings: &[Happening]) -> Vec<Entry> {
    let head = promised.map_or_else(|| json!({}), |minute| json!({"promised_ship": iso(minute)}));
    let mut entries = vec![order("order.created", created, created + delay, head)];
    for h in happenings {
        let (minute, received) = (h.minute, h.minute + h.delay);
        let shipment = |kind: &str| told("tms", kind, "shipment/S1", &["order/O1"], minute, received, json!({}));
        entries.push(match h.kind {
            0 => order("order.credit_checked", minute, received, json!({"verdict": "held"})),
            1 => order("order.credit_released", minute, received, json!({})),
            2 => order("order.released", minute, received, json!({})),
            3 => {
                let Some(named) = entries.iter().find(|e| e.event.kind == "order.released") else { continue };
                let named = named.event.id.clone();
                order("event.voided", minute, received, json!({"event": named}))
            }
            4 => shipment("shipment.departed"),
            5 | 6 => shipment("shipment.in_transit"),
            7 => shipment("shipment.delivered"),
            8 => {
                let refs = &["shipment/S1", "order/O1"];
                told("billing", "invoice.issued", &format!("invoice/I{minute}"), refs, minute, received, json!({}))
            }
            9 => order("order.changed", minute, received, json!({"promised_ship": iso(minute + h.delay + 300)})),
            _ => {
                let data = json!({"policy": POLICIES[h.which], "reason": "agreed"});
                let mut act = order("sla.waived", minute, received, data);
                act.event.id += POLICIES[h.which];
                act
            }
        });
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
    Waived,
}

pub(super) struct Model<'a> {
    pub entries: &'a [Entry],
    /// Of each minute, whether the calendar counts it.
    pub open: &'a [bool],
}

/// What is known of one event, by its business minute.
pub(super) type Known<'a> = (i64, &'a Entry);

impl Model<'_> {
    /// What holds of all that was received until a minute, in the order of business.
    pub(super) fn known(&self, received: i64) -> Vec<Known<'_>> {
        let here: Vec<&Entry> = self.entries.iter().filter(|e| e.received_at <= at(received)).collect();
        let voided =
            |e: &Entry| here.iter().any(|v| v.event.kind == "event.voided" && v.event.data["event"] == e.event.id);
        let minute = |time: DateTime<Utc>| (time - at(0)).num_minutes();
        let mut facts: Vec<Known<'_>> =
            here.iter().filter(|e| !voided(e)).map(|e| (minute(e.event.occurred_at.to_utc()), *e)).collect();
        facts.sort_by(|a, b| (a.0, &a.1.event.source, &a.1.event.id).cmp(&(b.0, &b.1.event.source, &b.1.event.id)));
        facts
    }

    /// The minute at which so much open time has passed since a start, holds left out where they count.
    pub(super) fn due(&self, facts: &[Known<'_>], start: i64, limit: i64, holds: bool) -> Option<i64> {
        let (mut on_hold, mut next, mut used) = (false, 0, 0);
        for now in 0..self.open.len() as i64 {
            while next < facts.len() && facts[next].0 <= now {
                let event = &facts[next].1.event;
                match (event.kind.as_str(), event.data.get("verdict").is_some()) {
                    ("order.credit_checked", true) => on_hold = true,
                    ("order.credit_released", _) => on_hold = false,
                    _ => {}
                }
                next += 1;
            }
            if now < start {
                continue;
            }
            if used == limit {
                return Some(now);
            }
            if self.open[now as usize] && !(holds && on_hold) {
                used += 1;
            }
        }
        None
    }

    fn verdict(&self, policy: &str, now: i64) -> Said {
        let facts = self.known(now);
        let said = self.unwaived(policy, &facts, now);
        let waived = |f: &Known<'_>| f.1.event.kind == "sla.waived" && f.1.event.data["policy"] == policy;
        match said {
            Said::Nothing | Said::Met => said,
            _ if facts.iter().any(waived) => Said::Waived,
            _ => said,
        }
    }

    fn unwaived(&self, policy: &str, facts: &[Known<'_>], now: i64) -> Said {
        let first = |kind: &str| facts.iter().find(|f| f.1.event.kind == kind).map(|f| f.0);
        // Nothing is known of an order that has not been spoken of itself.
        if !facts.iter().any(|f| f.1.event.kind.starts_with("order.")) {
            return Said::Nothing;
        }
        let created = first("order.created");
        let judge = |due: Option<i64>, ended: Option<i64>| match ended {
            Some(at) if due.is_none_or(|due| at <= due) => Said::Met,
            Some(_) => Said::MetLate,
            None if due.is_some_and(|due| now > due) => Said::Breached,
            None => Said::Running,
        };
        match policy {
            "release" => match created {
                None => Said::Nothing,
                Some(from) => judge(self.due(facts, from, RELEASE, true), first("order.released")),
            },
            "ship" if created.is_none() => Said::Nothing,
            "ship" => {
                let promise = |f: &Known<'_>| {
                    let at_ = f.1.event.data.get("promised_ship")?.as_str()?.parse::<DateTime<Utc>>().unwrap();
                    Some((at_ - at(0)).num_minutes())
                };
                match facts.iter().rev().find_map(promise) {
                    None => Said::Nothing,
                    due => judge(due, first("shipment.departed")),
                }
            }
            "deliver" => match first("shipment.departed") {
                None => Said::Nothing,
                Some(from) => judge(self.due(facts, from, DELIVER, true), first("shipment.delivered")),
            },
            "news" => match first("shipment.departed") {
                None => Said::Nothing,
                Some(from) => {
                    let heard = first("invoice.issued").map(|at| at.max(from));
                    judge(self.due(facts, from, NEWS, false), heard)
                }
            },
            _ => self.silence(facts, now),
        }
    }

    /// Every word sets the clock anew; a stretch that was too long stays one.
    fn silence(&self, facts: &[Known<'_>], now: i64) -> Said {
        let own: Vec<&Known<'_>> = facts.iter().filter(|f| f.1.event.kind.starts_with("shipment.")).collect();
        let Some(begin) = own.iter().position(|f| f.1.event.kind == "shipment.departed") else { return Said::Nothing };
        let end = own[begin..].iter().position(|f| f.1.event.kind == "shipment.delivered").map(|place| begin + place);
        let words = &own[begin..=end.unwrap_or(own.len() - 1)];
        let too_long = |pair: &[&Known<'_>]| self.due(facts, pair[0].0, WORD, false).is_some_and(|due| pair[1].0 > due);
        if end.is_some() {
            return if words.windows(2).any(too_long) { Said::MetLate } else { Said::Met };
        }
        match self.due(facts, words[words.len() - 1].0, WORD, false) {
            Some(due) if now > due => Said::Breached,
            _ => Said::Running,
        }
    }
}

fn said(workflow: Option<&Workflow>) -> [Said; 5] {
    POLICIES.map(|policy| {
        let sla = workflow.and_then(|w| w.slas.iter().find(|s| s.policy == policy));
        match sla.map(|s| s.verdict) {
            None => Said::Nothing,
            Some(Verdict::Open | Verdict::AtRisk) => Said::Running,
            Some(Verdict::Breached) => Said::Breached,
            Some(Verdict::Met | Verdict::Withdrawn) => Said::Met,
            Some(Verdict::MetLate) => Said::MetLate,
            Some(Verdict::Waived) => Said::Waived,
            Some(other) => panic!("{other:?}"),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// A machine that looks only when something comes in, when its clock says so, and after a restart, says of every
    /// policy at every minute at which it is up what the model says.
    #[test]
    fn no_breach_of_any_kind_is_missed_and_none_invented(
        created in 0..2_000_i64,
        delay in prop_oneof![Just(0_i64), 0..1_500_i64],
        promised in proptest::option::of(0..6_000_i64),
        happenings in proptest::collection::vec(
            (0..KINDS, 0..5_000_i64, prop_oneof![Just(0_i64), 0..60_i64, 0..2_500_i64], 0..POLICIES.len())
                .prop_map(|(kind, minute, delay, which)| Happening { kind, minute, delay, which }), 0..14),
        office in any::<bool>(),
        downs in proptest::collection::vec((0..LAST, 1..600_i64), 0..4),
    ) {
        let calendar = if office { "berlin" } else { "always" };
        let d = definitions(&policies(calendar));
        let hours = d.calendars.get(calendar).unwrap();
        let open: Vec<bool> = (0..AHEAD).map(|m| hours.is_open(at(m))).collect();
        let entries = entries_of(created, delay, promised, &happenings);
        let model = Model { entries: &entries, open: &open };
        let down = |minute: i64| downs.iter().any(|(from, length)| (*from..from + length).contains(&minute));
        let mut seen = [Said::Nothing; 5];
        let mut wake: Option<DateTime<Utc>> = None;
        let mut was_down = false;
        for minute in 0..LAST {
            if down(minute) {
                was_down = true;
                continue;
            }
            let came = entries.iter().any(|e| e.received_at == at(minute));
            let woke = wake.is_some_and(|time| time <= at(minute));
            if came || woke || was_down {
                let now = workflow(&d, &entries, minute);
                wake = now.as_ref().and_then(|w| w.wakes_at);
                seen = said(now.as_ref());
                was_down = false;
            }
            if came || woke || minute % 197 == 0 {
                let expected = POLICIES.map(|policy| model.verdict(policy, minute));
                prop_assert_eq!(seen, expected, "minute {} of {:?}", minute, happenings);
            }
        }
    }
}
