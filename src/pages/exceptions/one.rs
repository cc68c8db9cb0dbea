//! One exception: what it is, whose it is and by when, what depends on it, everything that was done about it, and forms
//! to do more.

use serde::Serialize;
use serde_json::Value;

use super::Row;
use crate::domain::Catalogue;
use crate::domain::dependency::{CALLS_AS_USUAL, NOT_CALLED};
use crate::pages::render::Page;
use crate::pages::time::{Clock, Due, Time};
use crate::pages::words;
use crate::store::rows::{EventRow, ExceptionRow};
use crate::store::{Muting, TakenAs};

#[derive(Debug, Serialize)]
pub struct One {
    pub row: Row,
    pub object: words::Ref,
    pub workflow: Option<words::Ref>,
    pub system: String,
    pub warehouse: String,
    pub carrier: String,
    pub blocking: bool,
    pub known: Time,
    pub until: Option<Time>,
    pub acknowledge_by: Option<Due>,
    pub resolve_by: Option<Due>,
    /// The arithmetic of both, in words.
    pub acknowledge_told: Option<String>,
    pub resolve_told: Option<String>,
    pub closed: Option<Closed>,
    pub impact: String,
    pub reason: String,
    pub runbook: String,
    pub history: Vec<Deed>,
    pub reasons: Vec<(String, String)>,
    pub teams: Vec<String>,
    pub act_path: String,
    pub list_path: String,
    pub may: May,
}

impl Page for One {
    const TEMPLATE: &'static str = "exception.html";
}

#[derive(Debug, Serialize)]
pub struct Closed {
    pub at: Time,
    /// The event in words, or what else ended it.
    pub what: String,
    pub source: String,
    pub event: String,
    /// Where the event can be looked at, and what it is about.
    pub payload: String,
    pub object: Option<words::Ref>,
    pub received: Option<Time>,
}

/// Something that was done about it.
#[derive(Debug, Serialize)]
pub struct Deed {
    pub key: String,
    pub at: Time,
    pub by: String,
    pub what: String,
    pub text: String,
}

/// Which forms make sense now.
#[derive(Debug, Serialize)]
pub struct May {
    pub acknowledge: bool,
    pub put_off: bool,
    pub reopen: bool,
}

pub struct Known<'a> {
    pub tenant: &'a str,
    pub row: &'a ExceptionRow,
    /// Events of the object on which its acts are kept.
    pub events: &'a [EventRow],
    /// Where the event that closed it stands.
    pub end: Option<&'a TakenAs>,
    pub catalogue: &'a Catalogue,
    pub muting: &'a Muting,
}

pub fn one(clock: &Clock, known: &Known<'_>) -> One {
    let Known { tenant, row, catalogue, .. } = known;
    let kind = catalogue.get(&row.kind);
    let object = milepost_ingest::ObjectRef::new(&row.object_type, &row.object_id);
    let href = words::subject_path(tenant, &object.kind, &object.id);
    let object_ref = words::Ref { href, ..words::Ref::object(tenant, &object) };
    let root = (!row.root_type.is_empty()).then(|| words::Ref {
        kind: words::title(&row.root_type),
        id: row.root_id.clone(),
        href: words::workflow_path(tenant, &row.root_type, &row.root_id),
    });
    let due = |ms: Option<i64>| ms.filter(|_| !row.closed).map(|ms| clock.due(ms, Some(ms - 30 * 60_000)));
    let orders = words::plural(u64::from(row.orders), "order", "orders");
    let customers = words::plural(u64::from(row.customers), "customer", "customers");
    let money = if row.money.is_empty() { String::new() } else { format!(", {}", row.money.join(" + ")) };
    let mut teams: Vec<String> = catalogue.kinds().map(|(_, kind)| kind.team.clone()).collect();
    teams.extend(catalogue.assign.iter().map(|rule| rule.team.clone()));
    teams.sort();
    teams.dedup();
    teams.retain(|team| !team.is_empty());
    let (acknowledge_told, resolve_told) = super::reckoned(catalogue, row);
    One {
        acknowledge_told,
        resolve_told,
        object: object_ref,
        workflow: root,
        system: words::system(&row.system),
        warehouse: row.warehouse.clone(),
        carrier: row.carrier.clone(),
        blocking: row.blocking && row.kind != "source_silent",
        known: clock.time(row.known_ms),
        until: row.until_ms.map(|ms| clock.time(ms)),
        acknowledge_by: due(row.acknowledge_by_ms),
        resolve_by: due(row.resolve_by_ms),
        closed: row.closed_ms.filter(|_| row.closed).map(|ms| closed(tenant, clock, ms, known)),
        impact: format!("{orders}, {customers}{money}"),
        reason: catalogue
            .reasons
            .iter()
            .find(|reason| reason.key == row.reason)
            .map_or_else(|| words::capital(&row.reason.replace('_', " ")), |reason| reason.title.clone()),
        runbook: kind.map(|kind| kind.runbook.clone()).filter(|href| is_link(href)).unwrap_or_default(),
        history: history(clock, known),
        reasons: catalogue.reasons.iter().map(|r| (r.key.clone(), r.title.clone())).collect(),
        teams,
        act_path: words::tenant_path(tenant, &format!("exceptions/{}/act", row.id)),
        list_path: words::tenant_path(tenant, "exceptions"),
        may: May {
            acknowledge: !row.closed && row.state != "acknowledged",
            put_off: !row.closed,
            reopen: !row.closed && row.state != "open",
        },
        row: super::row(tenant, clock, catalogue, known.muting, row),
    }
}

/// Only addresses that a page may show as a link.
fn is_link(href: &str) -> bool {
    href.starts_with("https://") || href.starts_with("http://") || href.starts_with('/') && !href.starts_with("//")
}

fn closed(tenant: &str, clock: &Clock, ms: i64, known: &Known<'_>) -> Closed {
    let row = known.row;
    let (source, event) = row.closed_by.split_once(' ').unwrap_or_default();
    let payload = |end: &TakenAs| {
        words::tenant_path(tenant, &format!("payloads/{}", words::payload_id(end.payload, Some(end.index))))
    };
    let object =
        |end: &TakenAs| words::Ref::object(tenant, &milepost_ingest::ObjectRef::new(&end.object_type, &end.object_id));
    Closed {
        at: clock.time(ms),
        what: end_said(&row.kind, &row.closed_kind),
        source: source.to_owned(),
        event: event.to_owned(),
        payload: known.end.map(payload).unwrap_or_default(),
        object: known.end.map(object),
        received: known.end.map(|end| clock.time(end.received_ms)),
    }
}

/// What ended it: an event, the end of its time, or that a rule tells of it no more.
fn end_said(kind: &str, end: &str) -> String {
    match (kind, end) {
        (_, "sla_breached") => "The time ran out".into(),
        (_, "withdrawn") => "A late event proved that it was in time".into(),
        ("contract_violation", "no_longer_so") => "Nothing was refused for this cause for an hour".into(),
        ("held_too_long", "no_longer_so") => "Nothing waits for it that long any more".into(),
        ("dependency_degraded", CALLS_AS_USUAL) => "Its calls are as usual again".into(),
        ("dependency_degraded", NOT_CALLED) => "It is hardly called any more".into(),
        ("replay_without_effect", "no_longer_so") => {
            "Its effect was seen, another replay mended it, or a week is over".into()
        }
        ("sla_at_risk", "no_longer_so") => "By the history of others it is in time again".into(),
        (_, "no_longer_so") => "It is not so any more by time or by other rules; no event ended it".into(),
        (_, end) => words::event_title(end),
    }
}

/// Acts about this exception, the newest first.
fn history(clock: &Clock, known: &Known<'_>) -> Vec<Deed> {
    let mut acts: Vec<(&EventRow, serde_json::Map<String, Value>)> = known
        .events
        .iter()
        .filter(|event| event.event_type.starts_with("exception."))
        .filter_map(|event| Some((event, serde_json::from_str(&event.data).ok()?)))
        .filter(|(_, data): &(_, serde_json::Map<String, Value>)| {
            data.get("exception").and_then(Value::as_str) == Some(&known.row.id)
        })
        .collect();
    acts.sort_by(|a, b| (b.0.received_ms, &b.0.event_id).cmp(&(a.0.received_ms, &a.0.event_id)));
    acts.iter().map(|(event, data)| deed(clock, known.catalogue, event, data)).collect()
}

fn deed(clock: &Clock, catalogue: &Catalogue, event: &EventRow, data: &serde_json::Map<String, Value>) -> Deed {
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
    let until = chrono::DateTime::parse_from_rfc3339(text("until")).ok();
    let until = until.map(|at| format!(" until {}", clock.short(at.timestamp_millis()))).unwrap_or_default();
    let name = |field: &str, nobody: &str| match data.get(field).and_then(Value::as_str) {
        Some("") => Some(nobody.to_owned()),
        Some(name) => Some(name.to_owned()),
        None => None,
    };
    let what = match event.event_type.as_str() {
        "exception.acknowledged" => format!("acknowledged it{until}"),
        "exception.assigned" => {
            let to = [name("owner", "nobody"), name("team", "no team")].into_iter().flatten().collect::<Vec<_>>();
            format!("gave it to {}", to.join(", "))
        }
        "exception.snoozed" => match (data.get("event").and_then(Value::as_str), data.get("count")) {
            (Some(kind), _) => format!("snoozed it until {kind} comes"),
            (None, Some(count)) => format!("snoozed it for {count} more events"),
            _ => format!("snoozed it{until}"),
        },
        "exception.waived" => "waived it".into(),
        "exception.commented" => "commented".into(),
        "exception.reopened" => "opened it again".into(),
        other => words::event_verb(other),
    };
    let code = text("code");
    let code = catalogue.reasons.iter().find(|r| r.key == code).map_or(code, |r| r.title.as_str());
    let said = [code, text("text"), text("reason")].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>();
    Deed {
        key: event.event_id.clone(),
        at: clock.time(event.received_ms),
        by: words::actor(&event.source),
        what,
        text: said.join(" · "),
    }
}
