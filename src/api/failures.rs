//! Failed payloads for programs: groups with what hangs on them, the records of a group, payloads to the letter, and the
//! acts that people do on the same pages.

use actix_web::{FromRequest as _, HttpRequest, web};
use chrono::Utc;
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};

use super::answer::{Refused, ok};
use super::shapes::{Failure, Payload, filled, time};
use super::{Answer, Listing, Shared, act, cursor, cut, limit, query, tenant};
use crate::domain::Money;
use crate::domain::failures::{GroupAct, GroupState, Rules, Split as Rule, group_name, parse_group};
use crate::pages::failures::{Standing, filter, group, headline, is_active, stand};
use crate::pages::payload::{UNMASKED, attachment, bytes, excuse, is_masked, unmasked_by};
use crate::pages::{Desk, mask, words};
use crate::store::{BadValue, Cursor, FailureFilter, FailureGroup};

/// Groups that are looked at; a tenant has few.
const MAX_GROUPS: u64 = 10_000;
const VALUES: u64 = 100;

pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/failure-groups", web::get().to(groups))
        .route("/failure-groups/{id}", web::get().to(one))
        .route("/failure-groups/{id}/acts", web::post().to(do_act))
        .route("/failures", web::get().to(failures))
        .route("/payloads/{id}", web::get().to(payload))
        .route("/payloads/{id}/raw", web::get().to(raw))
        .route("/payloads/{id}/unmask", web::post().to(unmask));
}

#[derive(Serialize)]
struct Group {
    id: String,
    title: String,
    state: &'static str,
    /// It was resolved or ignored, and failed again since.
    returned: bool,
    owner: Option<String>,
    runbook: Option<String>,
    stage: String,
    code: String,
    pointer: String,
    expected: String,
    detail: String,
    target: Option<String>,
    step: Option<String>,
    source: String,
    sources: Vec<String>,
    event_types: Vec<String>,
    fingerprints: Vec<String>,
    count: u64,
    /// Of these, what replays have mended.
    mended: u64,
    last_hour: u64,
    /// In each of the last 24 hours, the running one last.
    hours: Vec<u64>,
    first_at: String,
    last_at: String,
    affected: Affected,
    /// A failed record that is good to look at first.
    example: String,
    /// When this was counted.
    as_of: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

/// What hangs on a group.
#[derive(Serialize)]
struct Affected {
    objects: u64,
    orders: u64,
    workflows: u64,
    customers: u64,
    breached: u64,
    at_risk: u64,
    /// Per currency, never added across.
    amounts: Vec<Money>,
}

/// What only the question for one group brings.
#[derive(Serialize)]
struct Details {
    values: Vec<Bad>,
    acts: Vec<Done>,
    merged: Vec<String>,
    splits: Vec<Split>,
}

#[derive(Serialize)]
struct Bad {
    found: String,
    count: u64,
    last_at: String,
}

#[derive(Serialize)]
struct Done {
    id: String,
    act: String,
    by: String,
    at: String,
    data: Map<String, Value>,
}

#[derive(Serialize)]
struct Split {
    from: String,
    by: String,
    value: String,
    into: String,
}

impl Group {
    fn new(one: &Standing<'_>) -> Self {
        let (group, standing) = (one.group, &one.standing);
        Self {
            id: group_name(group.group_id),
            title: headline(group),
            state: standing.state.as_str(),
            returned: standing.returned,
            owner: filled(standing.owner.clone()),
            runbook: filled(standing.runbook.clone()),
            stage: group.stage.clone(),
            code: group.code.clone(),
            pointer: group.pointer.clone(),
            expected: group.expected.clone(),
            detail: mask::text(&group.detail),
            target: filled(group.target.clone()),
            step: filled(mask::text(&group.step)),
            source: group.source.clone(),
            sources: group.sources.clone(),
            event_types: group.event_types.iter().filter(|kind| !kind.is_empty()).cloned().collect(),
            fingerprints: group.fingerprints.iter().map(|fingerprint| group_name(*fingerprint)).collect(),
            count: group.count,
            mended: group.mended,
            last_hour: group.last_hour,
            hours: group.hours.clone(),
            first_at: time(group.first_ms),
            last_at: time(group.last_ms),
            affected: Affected {
                objects: group.objects,
                orders: group.orders,
                workflows: group.workflows,
                customers: group.customers,
                breached: group.breached,
                at_risk: group.at_risk,
                amounts: group.money.iter().filter_map(|text| money(text)).collect(),
            },
            example: words::payload_id(group.example_payload, Some(group.example_index)),
            as_of: time(group.as_of_ms),
            details: None,
        }
    }
}

fn money(text: &str) -> Option<Money> {
    let (value, currency) = text.split_once(' ')?;
    Some(Money { value: value.parse::<Decimal>().ok()?.normalize(), currency: currency.to_owned() })
}

async fn groups(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let query = query(&request, &["q", "source", "stage", "code", "type", "state", "from", "to", "after", "limit"])?;
    let (mut narrowed, complaints) = filter(&query, 0);
    if let Some(complaint) = complaints.first() {
        return Err(Refused::parameter(complaint));
    }
    narrowed.from_ms = narrowed.from_ms.max(0);
    let state = match query.get("state") {
        None | Some("all" | "active") => None,
        Some(text) => Some(GroupState::parse(text).ok_or_else(|| {
            Refused::parameter("state: there are open, acknowledged, resolved, ignored, active and all.")
        })?),
    };
    let active = query.get("state") == Some("active");
    let (after, limit) = (cursor(&query)?, limit(&query)?);
    let (found, acts) = tokio::try_join!(
        desk.store.failure_groups(&tenant, &narrowed, MAX_GROUPS),
        desk.store.failure_group_acts(&tenant),
    )?;
    let standing = stand(&found, &acts, Utc::now().timestamp_millis());
    let fits =
        |one: &&Standing<'_>| state.is_none_or(|state| one.standing.state == state) && (!active || is_active(one));
    let total = standing.iter().filter(fits).count() as u64;
    // In the order of the list, the latest first; the cursor names the last group that was given.
    let mut rows: Vec<&Standing<'_>> =
        standing.iter().filter(fits).filter(|one| after.is_before_group(one.group)).take(limit as usize + 1).collect();
    let next = cut(&mut rows, limit, |one| Cursor::after_group(one.group));
    ok(&Listing { items: rows.into_iter().map(Group::new).collect(), next, total: Some(total) })
}

fn id(request: &HttpRequest) -> Result<u64, Refused> {
    let name = web::Path::<String>::extract(request).into_inner().map_err(|_| Refused::nothing_here())?;
    parse_group(&name).ok_or_else(|| Refused::not_found(&format!("failure group {name}")))
}

async fn one(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    query(&request, &[])?;
    ok(&detailed(&desk, &tenant, id(&request)?).await?)
}

/// One group with its values, acts and rules. A group that was merged away is told as the one that it is part of.
async fn detailed(desk: &Desk, tenant: &str, id: u64) -> Result<Group, Refused> {
    let acts = desk.store.failure_group_acts(tenant).await?;
    let rules = Rules::of(&acts);
    let home = rules.home(id);
    let wanted = FailureFilter { group: Some(home), ..FailureFilter::default() };
    let (found, values) = tokio::try_join!(
        desk.store.failure_groups(tenant, &wanted, 1),
        desk.store.failure_group_values(tenant, home, &rules, VALUES),
    )?;
    let group: &FailureGroup =
        found.first().ok_or_else(|| Refused::not_found(&format!("failure group {}", group_name(id))))?;
    let standing = stand(std::slice::from_ref(group), &acts, Utc::now().timestamp_millis());
    let mut told = Group::new(&standing[0]);
    let bad = |value: BadValue| Bad {
        found: mask::value(&group.pointer, &value.found),
        count: value.count,
        last_at: time(value.last_ms),
    };
    let done = |act: &GroupAct| Done {
        id: act.id.clone(),
        act: act.verb().to_owned(),
        by: act.by.clone(),
        at: time(act.at.timestamp_millis()),
        data: act.data.clone(),
    };
    let split = |split: &Rule| Split {
        from: group_name(split.from),
        by: split.by.clone(),
        value: split.value.clone(),
        into: group_name(split.into),
    };
    told.details = Some(Details {
        values: values.into_iter().map(bad).collect(),
        acts: acts.iter().filter(|act| act.group == home).map(done).collect(),
        merged: rules.merges.iter().filter(|(_, into)| *into == home).map(|(from, _)| group_name(*from)).collect(),
        splits: rules.splits.iter().filter(|one| one.from == home || one.into == home).map(split).collect(),
    });
    Ok(told)
}

async fn do_act(desk: Shared, request: HttpRequest, body: web::Bytes) -> Answer {
    let by = act::operator(&desk, &request)?;
    let id = id(&request)?;
    let fields: Map<String, Value> = act::body(&body)?;
    let known = ["act", "reason", "owner", "runbook", "days", "into", "by", "value"];
    if let Some(name) = fields.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(Refused::body(&format!("/{name}"), &format!("no such field; there are {}.", known.join(", "))));
    }
    let text = |name: &str| match fields.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let verb =
        text("act").ok_or_else(|| Refused::body("/act", "expected the name of an act, such as \"resolved\"."))?;
    // Only what is known can be acted on.
    detailed(&desk, &by.tenant, id).await?;
    let (object, kind, data) =
        group::checked(id, &verb, &text, Utc::now()).map_err(|complaint| Refused::body("", complaint))?;
    let ids = act::Ids::of(&request)?;
    act::act(&desk, &by, vec![ids.act(0, &kind, object, data)]).await?;
    ok(&detailed(&desk, &by.tenant, id).await?)
}

async fn failures(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let known = ["q", "group", "source", "stage", "code", "type", "found", "from", "to", "after", "limit"];
    let query = query(&request, &known)?;
    let (mut narrowed, complaints) = filter(&query, 0);
    if let Some(complaint) = complaints.first() {
        return Err(Refused::parameter(complaint));
    }
    // Without a beginning: all that are kept.
    narrowed.from_ms = narrowed.from_ms.max(0);
    if let Some(name) = query.get("group") {
        let group =
            parse_group(name).ok_or_else(|| Refused::parameter("group: expected the id of a failure group."))?;
        narrowed.group = Some(desk.store.failure_rules(&tenant).await?.home(group));
    }
    let (after, limit) = (cursor(&query)?, limit(&query)?);
    let mut rows = desk.store.failures(&tenant, &narrowed, &after, limit + 1).await?;
    let next = cut(&mut rows, limit, Cursor::after_failure);
    ok(&Listing { items: rows.into_iter().map(Failure::from).collect(), next, total: None })
}

/// The payload that the address names.
fn named(request: &HttpRequest) -> Result<(u64, Option<u32>, String), Refused> {
    let name = web::Path::<String>::extract(request).into_inner().map_err(|_| Refused::nothing_here())?.into_inner();
    let (id, index) = words::parse_payload_id(&name).ok_or_else(|| Refused::not_found(&format!("payload {name}")))?;
    Ok((id, index, name))
}

async fn payload(desk: Shared, request: HttpRequest) -> Answer {
    let key = super::reader(&desk, &request)?;
    query(&request, &[])?;
    let (id, index, name) = named(&request)?;
    let (row, failures) =
        tokio::try_join!(desk.store.payload(&key.tenant, id), desk.store.failures_of(&key.tenant, id))?;
    let row = row.ok_or_else(|| Refused::not_found(&format!("payload {name}")))?;
    let who = format!("key/{}", key.id);
    let open = unmasked_by(&desk, &key.tenant, id, &who, Utc::now().timestamp_millis()).await?.is_some();
    ok(&Payload::new(row, failures, index, open))
}

/// The bytes to the letter. What holds secrets is given to keys that may act, and that it was given is kept.
async fn raw(desk: Shared, request: HttpRequest) -> Answer {
    let key = super::reader(&desk, &request)?;
    query(&request, &[])?;
    let (id, index, name) = named(&request)?;
    let row = desk.store.payload(&key.tenant, id).await?;
    let row = row.ok_or_else(|| Refused::not_found(&format!("payload {name}")))?;
    let who = format!("key/{}", key.id);
    if is_masked(&row, index)
        && unmasked_by(&desk, &key.tenant, id, &who, Utc::now().timestamp_millis()).await?.is_none()
    {
        let by = act::operator(&desk, &request).map_err(|_| Refused::masked())?;
        let (object, data) = excuse(id, "raw bytes through the API");
        act::act(&desk, &by, vec![act::Ids::of(&request)?.act(0, UNMASKED, object, data)]).await?;
    }
    Ok(attachment(&name, bytes(row, index)))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
}

async fn unmask(desk: Shared, request: HttpRequest, body: web::Bytes) -> Answer {
    let by = act::operator(&desk, &request)?;
    let (id, index, name) = named(&request)?;
    let Reason { reason } = act::body(&body)?;
    if reason.trim().is_empty() {
        return Err(Refused::body("/reason", "a reason is needed: it is kept."));
    }
    let (row, failures) = tokio::try_join!(desk.store.payload(&by.tenant, id), desk.store.failures_of(&by.tenant, id))?;
    let row = row.ok_or_else(|| Refused::not_found(&format!("payload {name}")))?;
    let (object, data): (ObjectRef, _) = excuse(id, &reason);
    act::act(&desk, &by, vec![act::Ids::of(&request)?.act(0, UNMASKED, object, data)]).await?;
    ok(&Payload::new(row, failures, index, true))
}
