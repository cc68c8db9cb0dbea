//! One payload as it came: what was wrong with it, the line at fault, its headers, and the way to the whole.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use milepost_ingest::{Form, ObjectRef};
use serde::Serialize;

use super::desk::Desk;
use super::json::{self, Line};
use super::problem::Trouble;
use super::render::Page;
use super::routes::part;
use super::status::{self, Badge};
use super::time::{Clock, Time};
use super::visit::{Label, Visit};
use super::{failures, otlp, words};
use crate::store::rows::{FailureRow, PayloadRow};

/// Problems that are listed; the rest are counted.
const MAX_PROBLEMS: usize = 100;

#[derive(Debug, Serialize)]
pub struct Payload {
    pub id: String,
    pub badge: Badge,
    pub received: Time,
    pub source: String,
    pub form: String,
    pub key_id: String,
    pub size: String,
    pub counts: String,
    pub problems: Vec<Problem>,
    pub more_problems: u64,
    pub lines: Vec<Line>,
    /// What the lines are: `pretty`, `text`, `hex`.
    pub view: &'static str,
    pub note: String,
    pub records: Vec<Record>,
    pub record: Option<u32>,
    pub whole_href: String,
    pub headers: Vec<(String, String)>,
    pub raw_href: String,
    pub objects: Vec<words::Ref>,
}

impl Page for Payload {
    const TEMPLATE: &'static str = "payload.html";
}

#[derive(Debug, Serialize)]
pub struct Problem {
    pub number: usize,
    pub title: String,
    pub stage: &'static str,
    pub code: String,
    pub pointer: String,
    pub expected: String,
    pub found: String,
    pub detail: String,
    pub line: usize,
    pub record: u32,
    pub record_href: String,
    pub group_href: String,
}

/// A refused record of a payload that holds several.
#[derive(Debug, Serialize)]
pub struct Record {
    pub index: u32,
    pub href: String,
    pub chosen: bool,
    pub title: String,
}

pub struct Facts<'a> {
    pub tenant: &'a str,
    pub row: &'a PayloadRow,
    pub failures: &'a [FailureRow],
    /// The record asked for, when not the whole payload.
    pub index: Option<u32>,
    /// That record, when the form is not JSON text itself.
    pub item: Option<serde_json::Value>,
}

pub fn payload(clock: &Clock, facts: &Facts<'_>) -> Payload {
    let Facts { tenant, row, failures, index, .. } = *facts;
    let own: Vec<&FailureRow> =
        failures.iter().filter(|failure| index.is_none_or(|index| failure.index == index)).collect();
    let mut shown = self::shown(facts);
    for failure in &own {
        let whole = place(facts, &shown, failure);
        json::mark(&mut shown.lines, &whole, &failure.code.replace('_', " "));
    }
    let path = |id: String| words::tenant_path(tenant, &format!("payloads/{id}"));
    let several = row.events + row.refused > 1;
    let mut indexes: Vec<u32> = failures.iter().map(|failure| failure.index).collect();
    indexes.dedup();
    let mut objects: Vec<ObjectRef> = own
        .iter()
        .filter(|failure| !failure.object_id.is_empty())
        .map(|failure| ObjectRef::new(&failure.object_type, &failure.object_id))
        .collect();
    objects.sort();
    objects.dedup();
    Payload {
        id: words::payload_id(row.payload, index),
        badge: verdict(row, index, &own),
        received: clock.time(row.received_ms),
        source: row.source.clone(),
        form: row.form.replace('_', " "),
        key_id: row.key_id.clone(),
        size: words::bytes(row.body.len()),
        counts: format!(
            "{} taken, {} refused",
            words::count(u64::from(row.events)),
            words::count(u64::from(row.refused))
        ),
        more_problems: own.len().saturating_sub(MAX_PROBLEMS) as u64,
        problems: own
            .iter()
            .take(MAX_PROBLEMS)
            .enumerate()
            .map(|(at, failure)| problem(facts, at, failure, &shown))
            .collect(),
        view: shown.view,
        note: shown.note,
        lines: shown.lines,
        records: if several {
            let record = |&at: &u32| Record {
                index: at,
                href: path(words::payload_id(row.payload, Some(at))),
                chosen: index == Some(at),
                title: format!("Record {at}"),
            };
            indexes.iter().take(MAX_PROBLEMS).map(record).collect()
        } else {
            Vec::new()
        },
        record: index,
        whole_href: path(words::payload_id(row.payload, None)),
        headers: row.headers.clone(),
        raw_href: format!("{}/raw", path(words::payload_id(row.payload, None))),
        objects: objects.iter().take(20).map(|object| words::Ref::object(tenant, object)).collect(),
    }
}

fn verdict(row: &PayloadRow, index: Option<u32>, own: &[&FailureRow]) -> Badge {
    match (index, own.is_empty()) {
        (_, true) => status::TAKEN,
        (Some(_), false) => status::REFUSED,
        (None, false) if row.events > 0 => status::PARTLY,
        (None, false) => status::REFUSED,
    }
}

/// Where in what is shown a failure points.
fn place(facts: &Facts<'_>, shown: &Shown, failure: &FailureRow) -> String {
    match &facts.item {
        Some(item) => otlp::pointer(item, &failure.pointer),
        None if shown.rooted => failure.pointer.clone(),
        None => format!("/{}{}", failure.index, failure.pointer),
    }
}

fn problem(facts: &Facts<'_>, at: usize, failure: &FailureRow, shown: &Shown) -> Problem {
    let tenant = facts.tenant;
    let whole = place(facts, shown, failure);
    Problem {
        number: at + 1,
        title: failures::title(&failure.code, &failure.pointer),
        stage: failures::stage(&failure.stage),
        code: failure.code.clone(),
        line: line_of(&shown.lines, &whole),
        pointer: failure.pointer.clone(),
        expected: failure.expected.clone(),
        found: failure.found.clone(),
        detail: failure.detail.clone(),
        record: failure.index,
        record_href: words::tenant_path(
            tenant,
            &format!("payloads/{}", words::payload_id(failure.payload, Some(failure.index))),
        ),
        group_href: words::tenant_path(tenant, &format!("failures/{}", failures::fingerprint(failure.fingerprint))),
    }
}

fn line_of(lines: &[Line], pointer: &str) -> usize {
    let mut wanted = pointer;
    loop {
        if let Some(line) = lines.iter().find(|line| line.pointer == wanted) {
            return line.number;
        }
        let Some(parent) = wanted.rfind('/') else { return 1 };
        wanted = &wanted[..parent];
    }
}

struct Shown {
    lines: Vec<Line>,
    view: &'static str,
    note: String,
    /// Pointers of failures begin at the root of what is shown; else a record's place stands before them.
    rooted: bool,
}

fn shown(facts: &Facts<'_>) -> Shown {
    let body = &facts.row.body;
    let short = body.len() > json::MAX_BYTES;
    let note = if short { "Only the beginning is shown; the whole is a download away." } else { "" };
    if let Some(lines) = facts.item.as_ref().and_then(|item| json::lines(&item.to_string())) {
        return Shown { lines, view: "pretty", note: "The record as it was read.".into(), rooted: true };
    }
    let Ok(text) = std::str::from_utf8(body) else {
        return Shown {
            lines: json::hex(body.get(..json::MAX_BYTES).unwrap_or(body)),
            view: "hex",
            note: note.into(),
            rooted: true,
        };
    };
    let ndjson = facts.row.form == "ndjson";
    if let Some(index) = facts.index {
        // One line of NDJSON, or one element of an array, is a record of its own.
        let record = if ndjson {
            text.lines().filter(|line| !line.trim().is_empty()).nth(index as usize).map(str::to_owned)
        } else {
            element(text, index as usize)
        };
        if let Some(lines) = record.as_deref().filter(|text| text.len() <= json::MAX_BYTES).and_then(json::lines) {
            return Shown { lines, view: "pretty", note: String::new(), rooted: true };
        }
    }
    if !short
        && !ndjson
        && let Some(lines) = json::lines(text)
    {
        let array = lines.first().is_some_and(|line| line.value.starts_with('['));
        return Shown { lines, view: "pretty", note: String::new(), rooted: !array };
    }
    let end = (0..=json::MAX_BYTES.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Shown { lines: json::plain(&text[..end]), view: "text", note: note.into(), rooted: true }
}

fn element(text: &str, index: usize) -> Option<String> {
    let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(text).ok()?;
    items.get(index).map(|item| item.get().to_owned())
}

pub async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &[]).await?;
    let tenant = visit.tenant.as_str();
    let name = part(request, "id");
    let missing = || Trouble::NotFound { tenant: tenant.to_owned(), what: format!("Payload {name}") };
    let (id, index) = words::parse_payload_id(&name).ok_or_else(missing)?;
    visit
        .show(desk, async {
            let (row, failures) = tokio::try_join!(desk.store.payload(tenant, id), desk.store.failures_of(tenant, id))?;
            let row = row.ok_or_else(missing)?;
            // A refused record may be one that cannot be read; any other has to be there.
            if index.is_some_and(|index| record(&row, index).is_none() && !failures.iter().any(|f| f.index == index)) {
                return Err(missing());
            }
            let only = (row.events + row.refused == 1).then_some(0);
            let item = index.or(only).and_then(|index| item(&row, index));
            let facts = Facts { tenant, row: &row, failures: &failures, index, item };
            Ok((Label::new("", format!("Payload {name}"), ""), payload(&visit.clock, &facts)))
        })
        .await
}

/// Any record, as JSON.
fn record(row: &PayloadRow, index: u32) -> Option<serde_json::Value> {
    milepost_ingest::item(Form::parse(&row.form)?, &row.headers, &row.body, index)
}

/// A record of a form that is no JSON text, as JSON.
pub fn item(row: &PayloadRow, index: u32) -> Option<serde_json::Value> {
    let form = Form::parse(&row.form)?;
    if matches!(form, Form::Json | Form::Ndjson | Form::CloudEvent | Form::CloudEventBatch) {
        return None;
    }
    milepost_ingest::item(form, &row.headers, &row.body, index)
}

/// The bytes as they came, as a file: never as something that a browser would run.
pub async fn raw(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &[]).await?;
    let name = part(request, "id");
    let missing = || Trouble::NotFound { tenant: visit.tenant.clone(), what: format!("Payload {name}") };
    let (id, _) = words::parse_payload_id(&name).ok_or_else(missing)?;
    let row = desk.store.payload(&visit.tenant, id).await?.ok_or_else(missing)?;
    let file = format!("attachment; filename=\"payload-{}.bin\"", words::payload_id(id, None));
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((header::CONTENT_DISPOSITION, file))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .insert_header(("Cross-Origin-Resource-Policy", "same-origin"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(row.body))
}
