//! What was refused, by cause: what, where in the payload, since when, how many; and one cause with its values.

use serde::Serialize;

use super::params::Query;
use super::render::Page;
use super::time::{Clock, Time};
use super::words;
use crate::store::FailureGroup;
use crate::store::rows::FailureRow;

pub const PER_PAGE: usize = 50;
/// Rows from which the distinct values are counted.
pub const SAMPLE: usize = 500;
const VALUES: usize = 20;
/// Causes on one page.
const SHOWN: usize = 100;

#[derive(Debug, Serialize)]
pub struct Failures {
    pub groups: Vec<GroupRow>,
    pub more: u64,
    pub rows: Vec<Row>,
    pub total: String,
    pub next: String,
    pub first: String,
    pub filtered: bool,
    pub path: String,
    pub search: String,
}

impl Page for Failures {
    const TEMPLATE: &'static str = "failures.html";
}

#[derive(Debug, Serialize)]
pub struct Cause {
    pub group: GroupRow,
    pub expected: String,
    pub detail: String,
    pub code: String,
    pub values: Vec<Value>,
    pub sample: String,
    pub rows: Vec<Row>,
    pub next: String,
    pub first: String,
    pub advice: &'static str,
}

impl Page for Cause {
    const TEMPLATE: &'static str = "failure.html";
}

#[derive(Debug, Serialize)]
pub struct GroupRow {
    pub key: String,
    pub title: String,
    pub href: String,
    pub stage: String,
    pub pointer: String,
    pub source: String,
    pub event: String,
    pub count: String,
    pub last_hour: u64,
    pub last_hour_text: String,
    pub objects: String,
    pub first: Time,
    pub last: Time,
    pub example: String,
    pub example_href: String,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub key: String,
    pub payload: String,
    pub href: String,
    pub at: Time,
    pub title: String,
    pub pointer: String,
    pub found: String,
    pub source: String,
    pub event: String,
    pub object: Option<words::Ref>,
}

#[derive(Debug, Serialize)]
pub struct Value {
    pub text: String,
    pub count: String,
    pub width: f64,
}

/// `Unknown SKU at lines[].sku`: the cause in words, and the place without positions.
pub fn title(code: &str, pointer: &str) -> String {
    let place = place(pointer);
    let what = words::capital(&code.replace('_', " "));
    if place.is_empty() { what } else { format!("{what} at {place}") }
}

/// `/data/lines/3/sku` → `data.lines[].sku`.
pub fn place(pointer: &str) -> String {
    let mut out = String::new();
    // Within an OTLP request only the way from the record on says something.
    let records = ["/logRecords/", "/spans/", "/dataPoints/"];
    let record = records.iter().find_map(|name| pointer.split_once(name)).map(|(_, rest)| rest);
    let pointer = record.and_then(|rest| rest.find('/').map(|at| &rest[at..])).unwrap_or(pointer);
    for part in pointer.split('/').skip(1) {
        if part == "*" || (!part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())) {
            out.push_str("[]");
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&part.replace("~1", "/").replace("~0", "~"));
        }
    }
    out
}

pub fn fingerprint(value: u64) -> String {
    format!("{value:016x}")
}

pub fn parse_fingerprint(text: &str) -> Option<u64> {
    (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

pub struct Found<'a> {
    pub tenant: &'a str,
    pub groups: &'a [FailureGroup],
    pub rows: &'a [FailureRow],
    pub next: Option<String>,
    pub paged: bool,
    pub filtered: bool,
    pub search: String,
    pub query: &'a Query,
}

pub fn failures(clock: &Clock, found: &Found<'_>) -> Failures {
    let path = words::tenant_path(found.tenant, "failures");
    let (next, first) = paging(&path, found);
    Failures {
        total: words::plural(found.groups.iter().map(|group| group.count).sum(), "record", "records"),
        groups: found.groups.iter().take(SHOWN).map(|group| group_row(found.tenant, clock, group)).collect(),
        more: found.groups.len().saturating_sub(SHOWN) as u64,
        rows: found.rows.iter().map(|failure| row(found.tenant, clock, failure)).collect(),
        next,
        first,
        filtered: found.filtered,
        search: found.search.clone(),
        path,
    }
}

pub fn cause(clock: &Clock, group: &FailureGroup, found: &Found<'_>) -> Cause {
    let path = words::tenant_path(found.tenant, &format!("failures/{}", fingerprint(group.fingerprint)));
    let (next, first) = paging(&path, found);
    Cause {
        expected: group.expected.clone(),
        detail: group.detail.clone(),
        code: group.code.clone(),
        values: values(found.rows),
        sample: words::plural(found.rows.len() as u64, "latest record", "latest records"),
        rows: found.rows.iter().take(PER_PAGE).map(|failure| row(found.tenant, clock, failure)).collect(),
        next,
        first,
        advice: advice(&group.stage, &group.code),
        group: group_row(found.tenant, clock, group),
    }
}

/// The same filter, further down or from the top.
fn paging(path: &str, found: &Found<'_>) -> (String, String) {
    let to = |query: Query| format!("{path}{}", query.text());
    let next = found.next.as_deref().map(|cursor| to(found.query.with("after", cursor))).unwrap_or_default();
    (next, if found.paged { to(found.query.without(&["after"])) } else { String::new() })
}

fn group_row(tenant: &str, clock: &Clock, group: &FailureGroup) -> GroupRow {
    let example = words::payload_id(group.example_payload, Some(group.example_index));
    let key = fingerprint(group.fingerprint);
    GroupRow {
        title: title(&group.code, &group.pointer),
        href: words::tenant_path(tenant, &format!("failures/{key}")),
        key,
        stage: stage(&group.stage).into(),
        pointer: group.pointer.clone(),
        source: group.source.clone(),
        event: if group.event_type.is_empty() { "unknown event".into() } else { words::event_title(&group.event_type) },
        count: words::count(group.count),
        last_hour: group.last_hour,
        last_hour_text: words::count(group.last_hour),
        objects: words::count(group.objects),
        first: clock.time(group.first_ms),
        last: clock.time(group.last_ms),
        example_href: words::tenant_path(tenant, &format!("payloads/{example}")),
        example,
    }
}

pub fn row(tenant: &str, clock: &Clock, failure: &FailureRow) -> Row {
    let payload = words::payload_id(failure.payload, Some(failure.index));
    let object = format!("{}/{}", failure.object_type, failure.object_id);
    Row {
        key: payload.clone(),
        href: words::tenant_path(tenant, &format!("payloads/{payload}")),
        payload,
        at: clock.time(failure.received_ms),
        title: words::capital(&failure.code.replace('_', " ")),
        pointer: failure.pointer.clone(),
        found: failure.found.clone(),
        source: failure.source.clone(),
        event: failure.event_type.clone(),
        object: (!failure.object_id.is_empty()).then(|| words::Ref::stored(tenant, &object)),
    }
}

pub fn stage(key: &str) -> &'static str {
    match key {
        "decode" => "Could not be read",
        "validate" => "Against its contract",
        "map" => "Could not be mapped",
        "deliver" => "Not delivered downstream",
        _ => "Refused",
    }
}

fn advice(stage: &str, code: &str) -> &'static str {
    if code == "conflicting_duplicate" {
        return "The sender used one id for two different events. Each event needs an id of its own; the first one stays.";
    }
    match stage {
        "decode" => "The sender has to send well-formed bodies. Nothing of such a body can be taken.",
        "validate" => {
            "Mend the field at the sender, or the contract if the sender is right, then send it again with the same id."
        }
        "map" => "Mend the mapping of this source, or have the sender name its business object, then send it again.",
        "deliver" => {
            "The receiving system refused it or was away. Its own log has the reason; the middleware sends it again."
        }
        _ => "Mend the cause at the sender and send it again with the same id.",
    }
}

/// The fastest clue: which values, and how often.
fn values(rows: &[FailureRow]) -> Vec<Value> {
    let mut counts: Vec<(&str, u64)> = Vec::new();
    for found in rows.iter().map(|row| row.found.as_str()) {
        match counts.iter_mut().find(|(text, _)| *text == found) {
            Some((_, n)) => *n += 1,
            None => counts.push((found, 1)),
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let most = counts.first().map_or(1, |(_, n)| *n) as f64;
    let value = |(text, n): (&str, u64)| Value {
        text: if text.is_empty() { "nothing".into() } else { text.to_owned() },
        count: words::count(n),
        width: (n as f64 / most * 120.0).round().max(2.0),
    };
    counts.into_iter().take(VALUES).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_in_words_and_without_positions() {
        assert_eq!(title("unknown_sku", "/data/lines/3/sku"), "Unknown sku at data.lines[].sku");
        assert_eq!(title("not_json", ""), "Not json");
        assert_eq!(place("/a~1b/*/c"), "a/b[].c");
        assert_eq!(place("/resourceLogs/0/scopeLogs/1/logRecords/7/body/lines/0/quantity"), "body.lines[].quantity");
        assert_eq!(parse_fingerprint(&fingerprint(7)), Some(7));
        assert_eq!(parse_fingerprint("7"), None);
    }
}
