//! One payload as it came: what was wrong with it, the line at fault, its headers, its neighbours, what it differs in from
//! a good one, and the way to the whole. Secrets stay hidden until somebody gives a reason.

mod around;
mod body;
mod bytes;
mod compare;
mod diff;
mod edit;
mod problem;
mod unmask;

use actix_web::{HttpRequest, HttpResponse, web};
use milepost_ingest::{Form, Letter, ObjectRef};
use serde::Serialize;

use self::around::Around;
use self::body::Body;
use super::desk::Desk;
use super::json::Line;
use super::params::Query;
use super::problem::Trouble;
use super::render::Page;
use super::routes::{acted, part, told};
use super::status::{self, Badge};
use super::time::{Clock, Time};
use super::visit::{Label, Visit};
use super::{failures, mask, words};
use crate::store::replays::{ReplayItemRow, WHOLE};
use crate::store::rows::{FailureRow, ObjectRow, PayloadRow};
use crate::store::{Neighbour, TakenAs};

pub use self::body::Excerpt;
use self::bytes::raw;
pub use self::bytes::{attachment, bytes};
pub use self::compare::Diff;
use self::compare::compare;
pub use self::diff::{DiffLine, diff};
use self::problem::problem;
pub use self::problem::{Problem, suggestion};
pub use self::unmask::{UNMASKED, excuse, is_masked, unmasked_by};

/// Problems that are listed; the rest are counted.
const MAX_PROBLEMS: usize = 100;
const MAX_ATTEMPTS: usize = 20;
const KNOWN: [&str; 2] = ["view", "find"];

pub fn configure(cfg: &mut web::ServiceConfig) {
    type Shared = web::Data<Desk>;
    cfg.service(
        web::resource("/payloads/{id}/edit")
            .app_data(web::PayloadConfig::new(edit::MAX_FORM))
            .route(web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, edit::show)))
            .route(web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| async move {
                let done = Box::pin(edit::posted(&desk, &request, &body)).await;
                done.unwrap_or_else(|trouble| trouble.answer(&desk, &request))
            })),
    )
    .route("/payloads/{id}", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, show)))
    .route("/payloads/{id}/raw", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, raw)))
    .route(
        "/payloads/{id}/unmask",
        web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, unmask::act)),
    );
}

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
    /// The version of contracts and mapping that it was read by, where others are in force now.
    pub rules_then: String,
    pub kind: String,
    pub problems: Vec<Problem>,
    pub more_problems: u64,
    /// `pretty`, `raw`, `hex`, `headers` or `diff`.
    pub view: &'static str,
    pub tabs: Vec<Tab>,
    pub lines: Vec<Line>,
    /// What the lines are: `pretty`, `text`, `hex`.
    pub writing: &'static str,
    pub note: String,
    pub diff: Option<Diff>,
    pub find: String,
    pub hits: usize,
    pub first_hit: usize,
    pub masked: usize,
    /// Until when this reader sees all.
    pub unmasked_until: Option<Time>,
    pub unmask_path: String,
    pub records: Vec<Record>,
    pub record: Option<u32>,
    pub whole_href: String,
    pub headers: Vec<(String, String)>,
    pub raw_href: String,
    pub raw_closed: bool,
    pub objects: Vec<words::Ref>,
    pub workflows: Vec<words::Ref>,
    pub trace: Option<(String, String)>,
    pub earlier: String,
    pub later: String,
    pub attempts: Vec<Attempt>,
    pub attempts_text: String,
    pub taken: Option<Taken>,
    /// For whoever mends and replays it.
    pub failed: bool,
    pub edit_href: String,
    pub replay_href: String,
    pub replays: Vec<Replayed>,
    /// By which replay it was mended, where one did.
    pub healed: Option<(String, String)>,
}

impl Page for Payload {
    const TEMPLATE: &'static str = "payload.html";
}

#[derive(Debug, Serialize)]
pub struct Tab {
    pub title: &'static str,
    pub href: String,
    pub chosen: bool,
}

/// A failed record of a payload that holds several.
#[derive(Debug, Serialize)]
pub struct Record {
    pub index: u32,
    pub href: String,
    pub chosen: bool,
    pub title: String,
}

#[derive(Debug, Serialize)]
pub struct Attempt {
    pub href: String,
    pub id: String,
    pub at: Time,
    pub title: String,
    pub this: bool,
}

/// What a replay did with it.
#[derive(Debug, Serialize)]
pub struct Replayed {
    pub href: String,
    pub id: String,
    pub badge: Badge,
    pub what: String,
    pub at: Option<Time>,
    pub edited: bool,
}

/// The same event, taken since.
#[derive(Debug, Serialize)]
pub struct Taken {
    pub href: String,
    pub id: String,
    pub at: Time,
    pub object: words::Ref,
}

#[derive(Default)]
pub struct Facts<'a> {
    pub tenant: &'a str,
    pub row: PayloadRow,
    pub failures: &'a [FailureRow],
    /// The record asked for, when not the whole payload.
    pub index: Option<u32>,
    pub query: Query,
    pub unmasked_until_ms: Option<i64>,
    pub neighbours: &'a [Neighbour],
    pub attempts: &'a [FailureRow],
    pub taken: Option<TakenAs>,
    pub objects: &'a [ObjectRow],
    /// The good payload that it is compared with, when asked for: where it stands, and itself.
    pub good: Option<(TakenAs, PayloadRow)>,
    /// What replays did with it, the newest first.
    pub replays: &'a [ReplayItemRow],
    /// The version of contracts and mapping in force.
    pub rules_now: String,
}

pub fn payload(clock: &Clock, facts: Facts<'_>) -> Payload {
    let Facts { tenant, row, failures, index, query, .. } = facts;
    let own: Vec<&FailureRow> =
        failures.iter().filter(|failure| index.is_none_or(|index| failure.index == index)).collect();
    let open = facts.unmasked_until_ms.is_some();
    let letter = letter(&row, index);
    let view = match query.get("view") {
        Some("raw") => "raw",
        Some("hex") => "hex",
        Some("headers") => "headers",
        Some("diff") => "diff",
        _ => "pretty",
    };
    let offset = own.iter().map(|failure| failure.offset).find(|offset| *offset >= 0);
    let mut shown = Body::of(&row, index, letter.as_ref()).lines(view, offset);
    let masked = if open { 0 } else { shown.mask() };
    for failure in &own {
        shown.mark(failure);
    }
    let find = query.get("find").unwrap_or_default().to_owned();
    let hits = shown.find(&find);
    let path = |id: String| words::tenant_path(tenant, &format!("payloads/{id}"));
    let id = words::payload_id(row.payload, index);
    let here = path(id.clone());
    let tab = |title: &'static str, key: &str| Tab {
        title,
        href: format!("{here}{}", query.with("view", if key == "pretty" { "" } else { key }).text()),
        chosen: view == key,
    };
    let named = own.iter().any(|failure| !failure.event_type.is_empty());
    let mut tabs =
        vec![tab("Pretty", "pretty"), tab("As it came", "raw"), tab("Headers", "headers"), tab("Bytes", "hex")];
    if named {
        tabs.push(tab("Compare", "diff"));
    }
    let mut indexes: Vec<u32> = failures.iter().map(|failure| failure.index).collect();
    indexes.dedup();
    let mut objects: Vec<ObjectRef> = own
        .iter()
        .filter(|failure| !failure.object_id.is_empty())
        .map(|failure| ObjectRef::new(&failure.object_type, &failure.object_id))
        .collect();
    objects.sort();
    objects.dedup();
    let mut workflows: Vec<&String> = facts.objects.iter().flat_map(|object| &object.workflows).collect();
    workflows.sort();
    workflows.dedup();
    let neighbour = |later: bool| {
        let found = facts.neighbours.iter().find(|neighbour| neighbour.later == later);
        found.map(|n| path(words::payload_id(n.payload, Some(n.index)))).unwrap_or_default()
    };
    let several = row.events + row.refused > 1 || indexes.len() > 1;
    let headers = letter.as_ref().map_or(&row.headers, |letter| &letter.headers);
    let headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (name.clone(), if open { value.clone() } else { header_value(name, value) }))
        .collect();
    let attempts = own.iter().map(|failure| failure.attempts).max().unwrap_or(0);
    let trace = own.iter().find(|failure| !failure.trace_id.is_empty());
    let hidden = !open && unmask::is_masked(&row, index);
    Payload {
        badge: verdict(&row, index, &own),
        received: clock.time(row.received_ms),
        source: own.first().map_or_else(|| row.source.clone(), |failure| failure.source.clone()),
        form: row.form.replace('_', " "),
        key_id: row.key_id.clone(),
        size: words::bytes(row.body.len()),
        counts: format!(
            "{} taken, {} refused",
            words::count(u64::from(row.events)),
            words::count(u64::from(row.refused))
        ),
        rules_then: if facts.rules_now.is_empty() || facts.rules_now == row.rules {
            String::new()
        } else {
            row.rules.clone()
        },
        kind: shown.kind.clone(),
        more_problems: own.len().saturating_sub(MAX_PROBLEMS) as u64,
        problems: own
            .iter()
            .take(MAX_PROBLEMS)
            .enumerate()
            .map(|(at, failure)| problem(tenant, at, failure, shown.line_of(failure), open))
            .collect(),
        diff: facts.good.as_ref().map(|(at, good)| compare(clock, tenant, &shown, at, good, open)),
        view,
        tabs,
        writing: shown.writing,
        note: shown.note.clone(),
        first_hit: shown.lines.iter().find(|line| line.hit).map_or(0, |line| line.number),
        lines: if matches!(view, "diff" | "headers") { Vec::new() } else { shown.lines },
        find,
        hits,
        masked,
        unmasked_until: facts.unmasked_until_ms.map(|ms| clock.time(ms)),
        unmask_path: format!("{here}/unmask"),
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
        headers,
        raw_href: format!("{here}/raw"),
        raw_closed: hidden,
        objects: objects.iter().take(20).map(|object| words::Ref::object(tenant, object)).collect(),
        workflows: workflows.iter().take(20).map(|name| workflow(tenant, name)).collect(),
        trace: trace.map(|failure| {
            (
                failure.trace_id.clone(),
                words::tenant_path(tenant, &format!("traces/{}", words::encode(&failure.trace_id))),
            )
        }),
        earlier: neighbour(false),
        later: neighbour(true),
        attempts_text: if attempts > 0 {
            words::plural(u64::from(attempts), "attempt", "attempts")
        } else {
            String::new()
        },
        attempts: facts
            .attempts
            .iter()
            .filter(|_| facts.attempts.len() > 1)
            .map(|failure| attempt(clock, tenant, failure, row.payload, index))
            .collect(),
        taken: facts.taken.map(|at| Taken {
            href: path(words::payload_id(at.payload, Some(at.index))),
            id: words::payload_id(at.payload, Some(at.index)),
            at: clock.time(at.received_ms),
            object: words::Ref::object(tenant, &ObjectRef::new(at.object_type, at.object_id)),
        }),
        failed: !own.is_empty(),
        edit_href: format!("{here}/edit"),
        replay_href: words::tenant_path(tenant, &format!("replays?payload={id}")),
        healed: facts
            .replays
            .iter()
            .find(|item| item.state == crate::replay::job::item::PROVEN && concerns(item, index))
            .map(|item| (item.replay.clone(), words::tenant_path(tenant, &format!("replays/{}", item.replay)))),
        replays: facts
            .replays
            .iter()
            .filter(|item| concerns(item, index))
            .take(MAX_ATTEMPTS)
            .map(|item| replayed(clock, tenant, item))
            .collect(),
        id,
    }
}

/// Whether a replay's item is about the record that is shown.
fn concerns(item: &ReplayItemRow, index: Option<u32>) -> bool {
    index.is_none_or(|index| item.record == index || item.record == WHOLE)
}

fn replayed(clock: &Clock, tenant: &str, item: &ReplayItemRow) -> Replayed {
    let at = [item.settled_ms, item.sent_ms, item.next_ms].into_iter().find(|ms| *ms > 0);
    Replayed {
        href: words::tenant_path(tenant, &format!("replays/{}?after={}", item.replay, item.position.saturating_sub(1))),
        id: item.replay.clone(),
        badge: super::replays::item_badge(&item.state),
        what: super::replays::said(item),
        at: at.map(|ms| clock.time(ms)),
        edited: !item.edit.is_empty(),
    }
}

/// A header as it may be shown.
pub fn header_value(name: &str, value: &str) -> String {
    if mask::hides(name) && !value.is_empty() { mask::instead(value.chars().count()) } else { mask::text(value) }
}

fn workflow(tenant: &str, name: &str) -> words::Ref {
    let object = ObjectRef::parse(name).unwrap_or_else(|| ObjectRef::new("order", name));
    words::Ref { href: words::workflow_path(tenant, &object.kind, &object.id), ..words::Ref::object(tenant, &object) }
}

fn attempt(clock: &Clock, tenant: &str, failure: &FailureRow, payload: u64, index: Option<u32>) -> Attempt {
    let id = words::payload_id(failure.payload, Some(failure.index));
    Attempt {
        href: words::tenant_path(tenant, &format!("payloads/{id}")),
        id,
        at: clock.time(failure.received_ms),
        title: failures::title(&failure.code, &failure.pointer),
        this: failure.payload == payload && index.is_none_or(|index| index == failure.index),
    }
}

fn verdict(row: &PayloadRow, index: Option<u32>, own: &[&FailureRow]) -> Badge {
    let refused = own.iter().any(|failure| matches!(failure.stage.as_str(), "decode" | "validate" | "map"));
    match (index, own.is_empty()) {
        (_, true) => status::TAKEN,
        _ if row.form == Form::DeadLetters.as_str() => status::DEAD,
        _ if !refused => status::REPORTED,
        (Some(_), false) => status::REFUSED,
        (None, false) if row.events > 0 => status::PARTLY,
        (None, false) => status::REFUSED,
    }
}

/// The dead letter at a place, when the payload holds such.
fn letter(row: &PayloadRow, index: Option<u32>) -> Option<Letter> {
    if row.form != Form::DeadLetters.as_str() {
        return None;
    }
    milepost_ingest::dead_letter(&row.body, index.unwrap_or(0))
}

async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let mut visit = Visit::new(desk, request, &KNOWN).await?;
    let tenant = visit.tenant.clone();
    let tenant = tenant.as_str();
    let name = part(request, "id");
    let missing = || Trouble::NotFound { tenant: tenant.to_owned(), what: format!("Payload {name}") };
    let (id, index) = words::parse_payload_id(&name).ok_or_else(missing)?;
    let until = unmask::until(desk, tenant, id, visit.person(), visit.clock.now_ms).await?;
    if until.is_some() {
        visit.apart = format!("{name} {}", visit.person().unwrap_or_default());
    }
    visit
        .show(desk, async {
            let (row, failures) = tokio::try_join!(desk.store.payload(tenant, id), desk.store.failures_of(tenant, id))?;
            let row = row.ok_or_else(missing)?;
            // A refused record may be one that cannot be read; any other has to be there.
            if index.is_some_and(|index| record(&row, index).is_none() && !failures.iter().any(|f| f.index == index)) {
                return Err(missing());
            }
            // A payload of one record is that record.
            let whole = row.events + row.refused <= 1 && failures.len() <= 1;
            let only = whole.then(|| failures.first().map_or(0, |failure| failure.index));
            let shown = index.or(only.filter(|at| record(&row, *at).is_some()));
            let first = failures.iter().find(|failure| shown.is_none_or(|index| failure.index == index)).cloned();
            let (around, replays) = tokio::try_join!(Around::of(desk, tenant, first.as_ref(), &visit), async {
                Ok(desk.store.replays_of_payload(tenant, id).await?)
            })?;
            let facts = Facts {
                tenant,
                row,
                failures: &failures,
                index: shown,
                query: visit.query.clone(),
                unmasked_until_ms: until,
                neighbours: &around.neighbours,
                attempts: &around.attempts,
                taken: around.taken,
                objects: &around.objects,
                good: around.good,
                replays: &replays,
                rules_now: desk.replays.as_ref().map(|r| r.gate.rules.now().version.clone()).unwrap_or_default(),
            };
            let watch = if replays.is_empty() { "" } else { "replays" };
            Ok((Label::new("", format!("Payload {name}"), watch), payload(&visit.clock, facts)))
        })
        .await
}

/// The lines around the fault of one record, for the page of its group.
pub async fn excerpt(
    desk: &Desk,
    tenant: &str,
    id: u64,
    index: u32,
) -> Result<Option<Excerpt>, crate::store::StoreError> {
    let (row, failures) = tokio::try_join!(desk.store.payload(tenant, id), desk.store.failures_of(tenant, id))?;
    let Some(row) = row else { return Ok(None) };
    let letter = letter(&row, Some(index));
    let own: Vec<&FailureRow> = failures.iter().filter(|failure| failure.index == index).collect();
    let offset = own.iter().map(|failure| failure.offset).find(|offset| *offset >= 0);
    let mut shown = Body::of(&row, Some(index), letter.as_ref()).lines("pretty", offset);
    shown.mask();
    for failure in &own {
        shown.mark(failure);
    }
    let name = words::payload_id(id, Some(index));
    Ok(Some(shown.excerpt(&name, words::tenant_path(tenant, &format!("payloads/{name}")))))
}

/// Any record, as JSON.
fn record(row: &PayloadRow, index: u32) -> Option<serde_json::Value> {
    if row.form == Form::DeadLetters.as_str() {
        return milepost_ingest::dead_letter(&row.body, index).map(|_| serde_json::Value::Null);
    }
    milepost_ingest::item(Form::parse(&row.form)?, &row.headers, &row.body, index)
}
