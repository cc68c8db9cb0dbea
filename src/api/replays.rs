//! Edits of payloads and replays, for programs with a key that may act.

use actix_web::{HttpRequest, web};
use milepost_ingest::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::act::{Ids, body, operator};
use super::answer::{Refused, ok};
use super::{Answer, Shared, limit, query, tenant};
use crate::pages::replays::group_words;
use crate::pages::{Desk, failure_filter, params, words};
use crate::replay::edit::{EditError, Step};
use crate::replay::job::{Of, Options, Through};
use crate::replay::{Excluded, ReplayError, Replays, Wanted};
use crate::store::FailureFilter;
use crate::store::replays::{ReplayItemRow, ReplayRow, name};

pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/payloads/{id}/edits", web::post().to(edit))
        .route("/replays", web::post().to(start))
        .route("/replays", web::get().to(list))
        .route("/replays/{id}", web::get().to(one))
        .route("/replays/{id}/rest", web::post().to(rest))
        .route("/replays/{id}/pause", web::post().to(pause))
        .route("/replays/{id}/resume", web::post().to(resume))
        .route("/replays/{id}/cancel", web::post().to(cancel));
}

pub fn replays(desk: &Desk) -> Result<&Replays, Refused> {
    desk.replays.as_deref().ok_or_else(Refused::closed)
}

impl From<ReplayError> for Refused {
    fn from(error: ReplayError) -> Self {
        let text = error.to_string();
        match error {
            ReplayError::Unknown(id) => Self::not_found(&format!("replay {id}")),
            ReplayError::NoPayload(id) => Self::not_found(&format!("payload {id}")),
            ReplayError::NoEdit(_) => Self::body("/edit", &text),
            ReplayError::NoTarget(_) => Self::body("/through", &text),
            ReplayError::NoWorkflow(name) => Self::not_found(&name),
            ReplayError::NoAction(name) => Self::not_found(&format!("action {name}")),
            ReplayError::NotOffered(_) => Self::conflict("not_offered", &text),
            ReplayError::WhichObject(_) => Self::body("/object", &text),
            ReplayError::NoReason => Self::body("/reason", &text),
            ReplayError::NotKept(_) => Self::conflict("rules_not_kept", &text),
            ReplayError::OfTarget => Self::body("/of", &text),
            ReplayError::Rate => Self::body("/rate", &text),
            ReplayError::EditAlone => Self::body("/edit", &text),
            ReplayError::Edit(EditError::Locked(place)) => Self::body(&place, &text),
            ReplayError::Edit(_) => Self::body("/rule", &text),
            ReplayError::Nothing => Self::conflict("nothing_to_replay", &text),
            ReplayError::TooMany => Self::conflict("too_many", &text),
            ReplayError::State(_) => Self::conflict("wrong_state", &text),
            ReplayError::Count { .. } => Self::conflict("other_count", &text),
            ReplayError::UsedKey => Self::used_key(),
            ReplayError::Healed(_) => Self::conflict("already_healed", &text),
            ReplayError::Store(error) => error.into(),
            ReplayError::Pressure(pressure) => Self::pressure(&pressure),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewEdit {
    /// Text as it is to be sent, or JSON.
    body: Value,
    #[serde(default)]
    of: Of,
}

#[derive(Serialize)]
struct Edited {
    edit_id: String,
    problems: Vec<Refusal>,
}

async fn edit(desk: Shared, request: HttpRequest, bytes: web::Bytes) -> Answer {
    let by = operator(&desk, &request)?;
    query(&request, &[])?;
    let name = request.match_info().get("id").unwrap_or_default();
    let (payload, record) =
        words::parse_payload_id(name).ok_or_else(|| Refused::not_found(&format!("payload {name}")))?;
    let new: NewEdit = body(&bytes)?;
    let text = match new.body {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let edited = replays(&desk)?.edit(&by, payload, record, text.as_bytes(), new.of).await?;
    ok(&Edited { edit_id: edited.id, problems: edited.problems })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewReplay {
    #[serde(default)]
    payloads: Vec<String>,
    group: Option<String>,
    /// The parameters of the list of failures: source, stage, code, type, q, from, to.
    filter: Option<std::collections::BTreeMap<String, String>>,
    edit: Option<String>,
    #[serde(default)]
    rule: Vec<Step>,
    through: String,
    /// Of when contracts and mapping are: `now` or `then`.
    #[serde(default)]
    of: Of,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    reason: String,
    rate: Option<u32>,
    at_once: Option<usize>,
    #[serde(default)]
    ramp: bool,
    stop_percent: Option<u32>,
    /// RFC 3339.
    starts_at: Option<chrono::DateTime<chrono::Utc>>,
}

async fn start(desk: Shared, request: HttpRequest, bytes: web::Bytes) -> Answer {
    let by = operator(&desk, &request)?;
    query(&request, &[])?;
    let new: NewReplay = body(&bytes)?;
    let through = Through::parse(&new.through)
        .ok_or_else(|| Refused::body("/through", "Expected `pipeline` or `target:NAME`."))?;
    let wanted = wanted(&desk, &by.tenant, &new).await?;
    let options = Options {
        rate: new.rate.unwrap_or(0),
        at_once: new.at_once.unwrap_or(0),
        ramp: new.ramp,
        stop_percent: new.stop_percent.unwrap_or(0).min(100),
        edit: new.edit.unwrap_or_default(),
        steps: new.rule,
        of: new.of,
        about: String::new(),
        asked: asked(&request, &bytes)?,
    };
    let replays = replays(&desk)?;
    if new.dry_run {
        let forecast = replays.forecast(&by, &wanted, &through, &options).await?;
        let mut told = json!(forecast);
        told["excluded"] = forecast.excluded.iter().map(left_out).collect();
        return ok(&json!({"id": null, "count": forecast.count, "dry_run": true, "forecast": told}));
    }
    if new.reason.trim().is_empty() {
        return Err(ReplayError::NoReason.into());
    }
    let starts_ms = new.starts_at.map_or(0, |at| at.timestamp_millis());
    let make = async {
        let draft = replays.draft(&by, &wanted, &through, &options).await?;
        replays.start(&by, &draft.id, &new.reason, Some(draft.count), None, starts_ms).await
    };
    let started = replays.once(&by.tenant, &options.asked, make).await?;
    ok(&json!({"id": started.row.id, "count": started.row.count, "again": started.again,
        "excluded": excluded(&started.row)}))
}

/// What tells a request with an `Idempotency-Key` from others; empty without one.
fn asked(request: &HttpRequest, bytes: &[u8]) -> Result<String, Refused> {
    Ok(Ids::given(request)?.map(|key| crate::replay::asked(&key, bytes)).unwrap_or_default())
}

async fn wanted(desk: &Desk, tenant: &str, new: &NewReplay) -> Result<Wanted, Refused> {
    let mut wanted = Wanted::default();
    let mut said = Vec::new();
    for (at, id) in new.payloads.iter().enumerate() {
        let parsed = words::parse_payload_id(id)
            .ok_or_else(|| Refused::body(&format!("/payloads/{at}"), "Expected a payload id like 3f or 3f.2."))?;
        wanted.payloads.push(parsed);
    }
    if !new.payloads.is_empty() {
        said.push(words::plural(new.payloads.len() as u64, "named payload", "named payloads"));
    }
    if let Some(group) = &new.group {
        let fingerprint = u64::from_str_radix(group, 16)
            .map_err(|_| Refused::body("/group", "Expected a group as its list names it, 16 hexadecimal digits."))?;
        wanted.filter = Some(FailureFilter { group: Some(fingerprint), ..FailureFilter::default() });
        said.push(group_words(desk, tenant, fingerprint).await?);
    }
    if let Some(filter) = &new.filter {
        if wanted.filter.is_some() {
            return Err(Refused::body("/filter", "Either a group or a filter, not both."));
        }
        let text: Vec<String> = filter.iter().map(|(name, value)| format!("{name}={}", words::encode(value))).collect();
        let (filter, complaints) = failure_filter(&params::Query::parse(&text.join("&")), 0);
        if let Some(complaint) = complaints.first() {
            return Err(Refused::body("/filter", complaint));
        }
        said.push(format!("failures by {}", text.join(", ")));
        wanted.filter = Some(filter);
    }
    if said.is_empty() {
        return Err(Refused::body("", "Say what to replay: payloads, group or filter."));
    }
    wanted.words = said.join(" and ");
    Ok(wanted)
}

/// What was asked for and does not go.
fn left_out(one: &Excluded) -> Value {
    json!({"payload_id": name(one.payload, one.record), "why": one.why, "replay": one.replay})
}

fn excluded(row: &ReplayRow) -> Value {
    let mut value: Value = serde_json::from_str(&row.excluded).unwrap_or(Value::Null);
    if let Some(items) = value.get_mut("items").and_then(Value::as_array_mut) {
        for item in items {
            if let Ok(one) = serde_json::from_value::<Excluded>(item.take()) {
                *item = left_out(&one);
            }
        }
    }
    value
}

pub fn time(ms: i64) -> Option<String> {
    let at = chrono::DateTime::from_timestamp_millis(ms).filter(|_| ms > 0)?;
    Some(at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

fn shown(row: &ReplayRow) -> Value {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    let of = serde_json::from_str::<Options>(&row.options).map(|options| options.of).unwrap_or_default();
    let mut options = parsed(&row.options);
    // Of the request, and nobody's business.
    options.as_object_mut().and_then(|options| options.remove("asked"));
    json!({
        "id": row.id, "kind": row.kind, "state": row.state, "through": row.through, "of": of, "reason": row.reason, "by": row.by,
        "selection": row.words, "options": options, "count": row.count, "oldest_at": time(row.oldest_ms),
        "value": parsed(&row.value), "excluded": excluded(row), "note": row.note, "created_at": time(row.created_ms),
        "starts_at": time(row.starts_ms), "started_at": time(row.started_ms), "finished_at": time(row.finished_ms),
        "rest_of": if row.again_of.is_empty() { None } else { Some(&row.again_of) },
        "proven": row.proven, "sent": row.sent, "failed": row.failed, "skipped": row.skipped,
    })
}

fn item(row: &ReplayItemRow) -> Value {
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let object = filled(&row.object_id).map(|id| json!({"type": row.object_type, "id": id}));
    json!({
        "position": row.position,
        "payload_id": if row.body.is_empty() { Some(name(row.payload, row.record)) } else { None },
        "object": object, "event_id": filled(&row.event_id), "edit_id": filled(&row.edit), "outcome": row.state,
        "attempts": row.attempts, "next_at": time(row.next_ms), "code": filled(&row.code),
        "detail": filled(&row.detail), "status": row.status, "via": filled(&row.via),
        "new_payload_id": filled(&row.result), "trace_id": filled(&row.trace_id), "sent_at": time(row.sent_ms),
        "effect_due_at": time(row.due_ms), "settled_at": time(row.settled_ms),
    })
}

async fn list(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let query = query(&request, &["after", "limit"])?;
    let limit = limit(&query)?;
    let mut rows = replays(&desk)?.list(&tenant, query.get("after").unwrap_or_default(), limit + 1).await?;
    let more = rows.len() as u64 > limit;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| row.id.clone());
    ok(&json!({"items": rows.iter().map(shown).collect::<Vec<_>>(), "next": next}))
}

/// Items of one answer, unless asked otherwise.
const ITEMS: usize = 500;
const MOST_ITEMS: usize = 20_000;

async fn one(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let query = query(&request, &["after", "limit"])?;
    let whole = |name: &str| query.get(name).map(str::parse::<u32>).transpose();
    let bad = |name: &str| Refused::parameter(&format!("{name}: expected a whole number."));
    let from = whole("after").map_err(|_| bad("after"))?.map_or(0, |position| position.saturating_add(1));
    let limit = whole("limit").map_err(|_| bad("limit"))?.map_or(ITEMS, |limit| limit as usize).clamp(1, MOST_ITEMS);
    let id = request.match_info().get("id").unwrap_or_default();
    let replays = replays(&desk)?;
    let row = replays.row(&tenant, id).await?;
    let (counts, items) = (replays.counts(&tenant, id).await?, replays.items(&tenant, id, from, limit + 1).await?);
    let more = items.len() > limit;
    let items = &items[..items.len().min(limit)];
    let mut answer = shown(&row);
    answer["counts"] = json!(counts);
    answer["items"] = items.iter().map(item).collect();
    answer["next"] = items.last().filter(|_| more).map_or(Value::Null, |item| json!(item.position));
    ok(&answer)
}

async fn pause(desk: Shared, request: HttpRequest) -> Answer {
    let (by, id) = (operator(&desk, &request)?, request.match_info().get("id").unwrap_or_default());
    ok(&shown(&replays(&desk)?.pause(&by, id).await?))
}

async fn resume(desk: Shared, request: HttpRequest) -> Answer {
    let (by, id) = (operator(&desk, &request)?, request.match_info().get("id").unwrap_or_default());
    ok(&shown(&replays(&desk)?.resume(&by, id).await?))
}

async fn cancel(desk: Shared, request: HttpRequest) -> Answer {
    let (by, id) = (operator(&desk, &request)?, request.match_info().get("id").unwrap_or_default());
    ok(&shown(&replays(&desk)?.cancel(&by, id).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rest {
    reason: String,
}

/// A new replay of what an ended one did not bring through.
async fn rest(desk: Shared, request: HttpRequest, bytes: web::Bytes) -> Answer {
    let by = operator(&desk, &request)?;
    let rest: Rest = body(&bytes)?;
    let id = request.match_info().get("id").unwrap_or_default();
    let replays = replays(&desk)?;
    let asked = asked(&request, &bytes)?;
    let make = async {
        let draft = replays.rest_of(&by, id, &asked).await?;
        replays.start(&by, &draft.id, &rest.reason, Some(draft.count), None, 0).await
    };
    let started = replays.once(&by.tenant, &asked, make).await?;
    ok(&json!({"id": started.row.id, "count": started.row.count, "again": started.again}))
}
