//! Replays: the list of jobs, the question before one starts, and a job on its way with what each item came to.

mod badges;
pub mod forecast;
mod question;
mod turn;

use actix_web::{HttpRequest, HttpResponse, web};
use milepost_ingest::ObjectRef;
use serde::Serialize;
use serde_json::Value;

use super::desk::Desk;
use super::problem::Trouble;
use super::render::Page;
use super::routes::{acted, part, redirect, told};
use super::status::Badge;
use super::time::{Clock, Time};
use super::visit::{Label, Visit};
use super::words;
use crate::replay::job::{self, Of, Options};
use crate::replay::{ReplayError, Replays};
use crate::store::replays::{Outcome, ReplayItemRow, ReplayRow, name};

use self::badges::{badge_of, is_at_end};
pub use self::badges::{item_badge, job_badge};
pub use self::question::{Ask, group_words, way, ways};
use self::question::{ask, draft};
use self::turn::turn;

const PER_PAGE: usize = 50;
const ITEMS: usize = 100;
const BAR: f64 = 600.0;
/// More than this is confirmed by its number.
const TYPED: u32 = 100;

pub fn configure(cfg: &mut web::ServiceConfig) {
    type Shared = web::Data<Desk>;
    cfg.route("/replays", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, list)))
        .route(
            "/replays/draft",
            web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, draft)),
        )
        .route("/replays/{id}", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, show)))
        .route(
            "/replays/{id}/{turn}",
            web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, turn)),
        );
}

#[derive(Debug, Serialize)]
pub struct List {
    pub ask: Option<Ask>,
    pub rows: Vec<Row>,
    pub next: String,
    pub first: String,
    pub fault: String,
    pub bar: f64,
}

impl Page for List {
    const TEMPLATE: &'static str = "replays.html";
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub id: String,
    pub href: String,
    pub badge: Badge,
    pub words: String,
    pub reason: String,
    pub by: String,
    pub through: String,
    pub count: String,
    pub parts: Vec<Part>,
    pub rate: String,
    pub eta: String,
    pub created: Time,
}

/// A piece of the bar of progress.
#[derive(Debug, Serialize)]
pub struct Part {
    pub kind: &'static str,
    pub title: &'static str,
    pub count: String,
    pub x: f64,
    pub width: f64,
}

#[derive(Debug, Serialize)]
pub struct One {
    pub row: Row,
    pub draft: bool,
    pub over: bool,
    pub zone: String,
    pub typed: bool,
    pub count: u32,
    pub bar: f64,
    pub oldest: Option<Time>,
    pub value: Vec<String>,
    pub excluded: String,
    pub left_out: Vec<LeftOut>,
    pub started: Option<Time>,
    pub finished: Option<Time>,
    pub starts: Option<Time>,
    pub note: String,
    pub options: Vec<String>,
    pub pace: Vec<Bar>,
    pub outcomes: Vec<OutcomeRow>,
    pub items: Vec<ItemRow>,
    pub next: String,
    pub turns: Vec<(&'static str, &'static str)>,
    pub path: String,
    pub list_path: String,
    pub rest: String,
    pub again_of: String,
}

impl Page for One {
    const TEMPLATE: &'static str = "replay.html";
}

#[derive(Debug, Serialize)]
pub struct Bar {
    pub x: usize,
    pub y: u32,
    pub height: u32,
}

#[derive(Debug, Serialize)]
pub struct LeftOut {
    pub id: String,
    pub href: String,
    pub why: &'static str,
}

#[derive(Debug, Serialize)]
pub struct OutcomeRow {
    pub badge: Badge,
    pub code: String,
    pub count: String,
    pub detail: String,
}

#[derive(Debug, Serialize)]
pub struct ItemRow {
    pub key: String,
    pub payload: String,
    pub href: String,
    pub object: Option<words::Ref>,
    pub badge: Badge,
    pub attempts: u32,
    pub what: String,
    pub edit_href: String,
    pub result: String,
    pub result_href: String,
    pub at: Option<Time>,
}

fn why(code: &str) -> &'static str {
    match code {
        "healed" => "mended by an earlier replay",
        "taken" => "the event has been taken since",
        "elsewhere" => "it failed between two other systems: choose a target",
        "in_replay" => "another replay has it",
        "rules_not_kept" => "contracts and mapping of then are not kept",
        _ => "not known",
    }
}

fn row(tenant: &str, clock: &Clock, row: &ReplayRow, rate: Option<u32>) -> Row {
    let left = row.count.saturating_sub(row.proven + row.sent + row.failed + row.skipped);
    let eta = match rate {
        Some(rate) if rate > 0 && left > 0 => format!("about {} s left", left.div_ceil(rate)),
        _ => String::new(),
    };
    let options: Options = serde_json::from_str(&row.options).unwrap_or_default();
    let limit = if options.rate == 0 { "as fast as it goes".to_owned() } else { format!("{}/s at most", options.rate) };
    Row {
        id: row.id.clone(),
        href: words::tenant_path(tenant, &format!("replays/{}", row.id)),
        badge: badge_of(row),
        words: words::capital(&row.words),
        reason: row.reason.clone(),
        by: words::actor(&row.by),
        through: match row.through.strip_prefix("target:") {
            Some(target) => format!("target {target}"),
            None if options.of == Of::Then => "our pipeline, by contracts and mapping of then".to_owned(),
            None => "our pipeline".to_owned(),
        },
        count: match row.kind.as_str() {
            "action" => words::plural(u64::from(row.count), "call", "calls"),
            _ => words::plural(u64::from(row.count), "payload", "payloads"),
        },
        parts: parts(row),
        rate: rate.map_or(limit.clone(), |rate| format!("{rate}/s now, {limit}")),
        eta,
        created: clock.time(row.created_ms),
    }
}

fn parts(row: &ReplayRow) -> Vec<Part> {
    let left = row.count.saturating_sub(row.proven + row.sent + row.failed + row.skipped);
    let of = [
        ("proven", "proven fixed", row.proven),
        ("sent", "sent, no effect yet", row.sent),
        ("failed", "failed again", row.failed),
        ("skipped", "skipped", row.skipped),
        ("left", "left", left),
    ];
    let mut x = 0.0;
    let width = |count: u32| BAR * f64::from(count) / f64::from(row.count.max(1));
    of.into_iter()
        .map(|(kind, title, count)| {
            let part = Part { kind, title, count: words::count(u64::from(count)), x, width: width(count) };
            x += part.width;
            part
        })
        .collect()
}

pub fn trouble(tenant: &str, error: ReplayError) -> Trouble {
    match error {
        ReplayError::Unknown(id) => Trouble::NotFound { tenant: tenant.to_owned(), what: format!("Replay {id}") },
        ReplayError::NoPayload(id) => Trouble::NotFound { tenant: tenant.to_owned(), what: format!("Payload {id}") },
        ReplayError::Store(error) => error.into(),
        ReplayError::Pressure(_) => Trouble::Busy { tenant: tenant.to_owned() },
        error => Trouble::Bad { tenant: tenant.to_owned(), text: format!("{}.", words::capital(&error.to_string())) },
    }
}

pub fn replays<'d>(desk: &'d Desk, tenant: &str) -> Result<&'d Replays, Trouble> {
    desk.replays.as_deref().ok_or_else(|| Trouble::Busy { tenant: tenant.to_owned() })
}

async fn list(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &["after", "group", "payload", "edit"]).await?;
    let tenant = visit.tenant.as_str();
    let replays = replays(desk, tenant)?;
    visit
        .show(desk, async {
            let after = visit.query.get("after").unwrap_or_default();
            let mut rows =
                replays.list(tenant, after, PER_PAGE as u64 + 1).await.map_err(|error| trouble(tenant, error))?;
            let more = rows.len() > PER_PAGE;
            rows.truncate(PER_PAGE);
            let path = words::tenant_path(tenant, "replays");
            let next = rows.last().filter(|_| more).map(|row| format!("{path}?after={}", row.id)).unwrap_or_default();
            let rate = |row: &ReplayRow| replays.job(tenant, &row.id).map(|job| job.pace.lock().rate());
            let page = List {
                ask: ask(desk, replays, tenant, &visit.query).await?,
                rows: rows.iter().map(|one| self::row(tenant, &visit.clock, one, rate(one))).collect(),
                next,
                first: if after.is_empty() { String::new() } else { path },
                fault: replays.targets.fault().unwrap_or_default(),
                bar: BAR,
            };
            Ok((Label::new("replays", "Replays", "replays"), page))
        })
        .await
}

async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let id = part(request, "id");
    let visit = Visit::new(desk, request, &["after", "only"]).await?;
    let tenant = visit.tenant.as_str();
    if id == "draft" {
        return Ok(redirect(&words::tenant_path(tenant, "replays")));
    }
    let replays = replays(desk, tenant)?;
    visit
        .show(desk, async {
            let fail = |error| trouble(tenant, error);
            let row = replays.row(tenant, &id).await.map_err(fail)?;
            let from = visit.query.get("after").and_then(|text| text.parse::<u32>().ok()).map_or(0, |at| at + 1);
            let items = replays.items(tenant, &id, from, ITEMS + 1).await.map_err(fail)?;
            let outcomes = desk.store.replay_outcomes(tenant, &id).await?;
            let pace = replays.job(tenant, &id).map(|job| job.pace.lock().clone());
            let page = one(tenant, &visit.clock, &row, items, &outcomes, pace.as_ref());
            Ok((Label::new("replays", format!("Replay {id}"), format!("replay:{id}")), page))
        })
        .await
}

fn one(
    tenant: &str,
    clock: &Clock,
    row: &ReplayRow,
    mut items: Vec<ReplayItemRow>,
    outcomes: &[Outcome],
    pace: Option<&job::Pace>,
) -> One {
    let path = words::tenant_path(tenant, &format!("replays/{}", row.id));
    let more = items.len() > ITEMS;
    items.truncate(ITEMS);
    let next = items.last().filter(|_| more).map(|item| format!("{path}?after={}", item.position)).unwrap_or_default();
    let options: Options = serde_json::from_str(&row.options).unwrap_or_default();
    let mut said: Vec<String> = options.steps.iter().map(|step| words::capital(&step.words())).collect();
    if !options.edit.is_empty() {
        said.push(format!("The edit {} goes, not the original", options.edit));
    }
    if options.at_once > 0 {
        said.push(format!("{} at the same time at most", words::count(options.at_once as u64)));
    }
    if options.ramp {
        said.push("First 1 %, then 5, 20 and all".to_owned());
    }
    if options.stop_percent > 0 {
        said.push(format!("Stops by itself when more than {} % fail", options.stop_percent));
    }
    let excluded: Value = serde_json::from_str(&row.excluded).unwrap_or(Value::Null);
    let left_out = excluded["count"].as_u64().unwrap_or(0);
    let value: Vec<Value> = serde_json::from_str(&row.value).unwrap_or_default();
    let text = |money: &Value, name: &str| money[name].as_str().unwrap_or_default().to_owned();
    let moment = |ms: i64| (ms > 0).then(|| clock.time(ms));
    let turns = match row.state.as_str() {
        job::RUNNING | job::SCHEDULED | job::SETTLING => vec![("pause", "Pause"), ("cancel", "Cancel")],
        job::PAUSED | job::STOPPED => vec![("resume", "Resume"), ("cancel", "Cancel")],
        _ => Vec::new(),
    };
    let rest = row.failed + row.skipped;
    let most = pace.map_or(1, |pace| pace.seconds().iter().copied().max().unwrap_or(1).max(1));
    One {
        draft: row.state == job::DRAFT,
        over: is_at_end(row),
        zone: clock.zone_name.clone(),
        typed: row.count > TYPED,
        count: row.count,
        bar: BAR,
        oldest: moment(row.oldest_ms),
        value: value.iter().map(|money| format!("{} {}", text(money, "value"), text(money, "currency"))).collect(),
        excluded: if left_out == 0 { String::new() } else { words::plural(left_out, "record", "records") },
        left_out: excluded["items"]
            .as_array()
            .into_iter()
            .flatten()
            .take(50)
            .map(|item| self::left_out(tenant, item))
            .collect(),
        started: moment(row.started_ms),
        finished: moment(row.finished_ms),
        starts: moment(row.starts_ms),
        note: row.note.clone(),
        options: said,
        pace: pace.map(|pace| bars(pace.seconds(), most)).unwrap_or_default(),
        outcomes: outcomes
            .iter()
            .map(|outcome| OutcomeRow {
                badge: item_badge(&outcome.state),
                code: outcome.code.replace('_', " "),
                count: words::count(outcome.count),
                detail: outcome.detail.clone(),
            })
            .collect(),
        items: items.iter().map(|item| item_row(tenant, clock, item)).collect(),
        next,
        turns,
        // An action is asked for again where it is offered, if it still is.
        rest: if is_at_end(row) && rest > 0 && row.kind != "action" {
            words::plural(u64::from(rest), "payload", "payloads")
        } else {
            String::new()
        },
        again_of: row.again_of.clone(),
        list_path: words::tenant_path(tenant, "replays"),
        path,
        row: self::row(tenant, clock, row, pace.map(job::Pace::rate)),
    }
}

fn bars(seconds: &[u32], most: u32) -> Vec<Bar> {
    let height = |count: u32| (count * 40).div_ceil(most);
    seconds
        .iter()
        .enumerate()
        .map(|(at, count)| Bar { x: at * 5, y: 40 - height(*count), height: height(*count) })
        .collect()
}

fn left_out(tenant: &str, item: &Value) -> LeftOut {
    let record = u32::try_from(item["record"].as_u64().unwrap_or(0)).unwrap_or(u32::MAX);
    let id = name(item["payload"].as_u64().unwrap_or(0), record);
    let href = words::tenant_path(tenant, &format!("payloads/{id}"));
    LeftOut { href, id, why: why(item["why"].as_str().unwrap_or_default()) }
}

fn item_row(tenant: &str, clock: &Clock, row: &ReplayItemRow) -> ItemRow {
    // A call to another system came from no payload.
    let payload = if row.body.is_empty() { name(row.payload, row.record) } else { String::new() };
    let at = [row.settled_ms, row.sent_ms, row.next_ms].into_iter().find(|ms| *ms > 0);
    let object = ObjectRef::new(&row.object_type, &row.object_id);
    ItemRow {
        key: row.position.to_string(),
        href: words::tenant_path(tenant, &format!("payloads/{payload}")),
        object: (!row.object_id.is_empty()).then(|| words::Ref::object(tenant, &object)),
        badge: item_badge(&row.state),
        attempts: row.attempts,
        what: said(row),
        edit_href: if row.edit.is_empty() {
            String::new()
        } else {
            words::tenant_path(tenant, &format!("payloads/{payload}/edit?edit={}", row.edit))
        },
        result_href: words::tenant_path(tenant, &format!("payloads/{}", row.result)),
        result: row.result.clone(),
        at: at.map(|ms| clock.time(ms)),
        payload,
    }
}

/// What was last said of an item, in a line.
pub fn said(row: &ReplayItemRow) -> String {
    match (row.code.is_empty(), row.status) {
        (true, 0) => row.detail.clone(),
        (true, status) => format!("{} answered {status}", row.via),
        (false, 0) => format!("{}: {}", row.code.replace('_', " "), row.detail),
        (false, status) => format!("{status} {}: {}", row.code.replace('_', " "), row.detail),
    }
}
