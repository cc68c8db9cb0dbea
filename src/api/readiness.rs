//! Readiness and reconciliation for programs: items with reasons and evidence, and totals per currency.

use actix_web::{HttpRequest, web};
use chrono::Utc;
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::answer::{Refused, ok};
use super::shapes::{filled, time};
use super::{Answer, Shared, act, cursor, cut, limit, moment, query, reader};
use crate::domain::Money;
use crate::pages::export::{self, Past};
use crate::pages::params::Query;
use crate::pages::readiness::decision::{Wish, decision};
use crate::pages::readiness::{self, FILTERS, FILTERS_COMPARED, compared};
use crate::pages::{Desk, frozen};
use crate::store::rows::{ReadinessRow, ReconciliationRow};
use crate::store::{Cursor, ReadinessFilter, Sum};

const PLACE: [&str; 2] = ["after", "limit"];

/// To be put under `/api/v1`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/readiness", web::get().to(list))
        .route("/readiness/{type}/{id}/{decision}", web::post().to(decide))
        .route("/reconciliation", web::get().to(mismatches))
        .route("/freezes", web::get().to(freezes))
        .route("/freezes", web::post().to(freeze));
}

#[derive(Serialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
    total: u64,
    /// One for each currency; of items without a known amount only their number.
    totals: Vec<Total>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<String>,
}

#[derive(Serialize)]
struct Total {
    currency: Option<String>,
    amount: Option<Decimal>,
    items: u64,
    without_amount: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
}

#[derive(Serialize)]
struct Item {
    object: ObjectRef,
    workflow: ObjectRef,
    is_rest: bool,
    state: String,
    amount: Option<Money>,
    billed: Option<Money>,
    remaining: Option<Money>,
    /// Whole, each with owner system, next step and evidence.
    reasons: Box<RawValue>,
    system: Option<String>,
    next_step: Option<String>,
    customer: Option<String>,
    carrier: Option<String>,
    warehouse: Option<String>,
    since: Option<String>,
    delivered_at: Option<String>,
    proof_at: Option<String>,
    invoiced_at: Option<String>,
}

#[derive(Serialize)]
struct Mismatch {
    kind: String,
    state: String,
    object: ObjectRef,
    workflow: ObjectRef,
    line: Option<String>,
    detail: String,
    expected: Option<String>,
    found: Option<String>,
    unit: Option<String>,
    value: Option<Money>,
    figures: Vec<String>,
    since: String,
    age_days: i64,
    system: String,
    customer: Option<String>,
    carrier: Option<String>,
    evidence: Box<RawValue>,
}

fn money(millionths: Option<i128>, currency: &str) -> Option<Money> {
    let value = Decimal::try_from_i128_with_scale(millionths?, 6).ok()?.normalize();
    Some(Money { value, currency: currency.to_owned() })
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_default()
}

impl From<ReadinessRow> for Item {
    fn from(row: ReadinessRow) -> Self {
        Self {
            amount: money(row.amount, &row.currency),
            billed: money(row.billed, &row.currency),
            remaining: money(row.remaining, &row.currency),
            object: ObjectRef::new(row.object_type, row.object_id),
            workflow: ObjectRef::new(row.root_type, row.root_id),
            is_rest: row.is_rest,
            state: row.state,
            reasons: raw(row.why),
            system: filled(row.system),
            next_step: filled(row.next_step),
            customer: filled(row.customer),
            carrier: filled(row.carrier),
            warehouse: filled(row.warehouse),
            since: row.since_ms.map(time),
            delivered_at: row.delivered_ms.map(time),
            proof_at: row.proof_ms.map(time),
            invoiced_at: row.invoiced_ms.map(time),
        }
    }
}

impl Mismatch {
    fn new(row: ReconciliationRow, now_ms: i64) -> Self {
        Self {
            value: money(row.value, &row.currency),
            object: ObjectRef::new(row.object_type, row.object_id),
            workflow: ObjectRef::new(row.root_type, row.root_id),
            kind: row.kind,
            state: row.state,
            line: filled(row.line),
            detail: row.detail,
            expected: filled(row.expected),
            found: filled(row.found),
            unit: filled(row.unit),
            figures: row.figures,
            since: time(row.since_ms),
            age_days: (now_ms - row.since_ms) / 86_400_000,
            system: row.system,
            customer: filled(row.customer),
            carrier: filled(row.carrier),
            evidence: raw(row.evidence),
        }
    }
}

fn total(sum: &Sum, kind: Option<String>) -> Total {
    let known = !sum.currency.is_empty();
    Total {
        currency: filled(sum.currency.clone()),
        amount: money(Some(sum.total), &sum.currency).map(|m| m.value).filter(|_| known),
        items: sum.count,
        without_amount: sum.unknown,
        kind,
    }
}

fn asked(query: &Query, now_ms: i64) -> Result<ReadinessFilter, Refused> {
    let as_of = moment(query, "as_of")?;
    let (filter, complaints) = readiness::filter(query, as_of, as_of.unwrap_or(now_ms));
    complaints.first().map_or(Ok(filter), |complaint| Err(Refused::parameter(complaint)))
}

async fn list(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = reader(&desk, &request)?.tenant;
    let query = query(&request, &[&FILTERS[..], &PLACE].concat())?;
    let filter = asked(&query, Utc::now().timestamp_millis())?;
    let (after, limit) = (cursor(&query)?, limit(&query)?);
    let (mut rows, sums) = tokio::try_join!(
        desk.store.readiness(&tenant, &filter, &after, limit + 1),
        desk.store.readiness_sums(&tenant, &filter)
    )?;
    let next = cut(&mut rows, limit, Cursor::after_readiness);
    let all: Vec<&Sum> = sums.iter().filter(|s| s.name == "all").collect();
    ok(&Page {
        items: rows.into_iter().map(Item::from).collect(),
        next,
        total: all.iter().map(|s| s.count).sum(),
        totals: all.into_iter().map(|s| total(s, None)).collect(),
        as_of: (filter.as_of_ms > 0).then(|| time(filter.as_of_ms)),
    })
}

async fn mismatches(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = reader(&desk, &request)?.tenant;
    let query = query(&request, &[&FILTERS_COMPARED[..], &PLACE].concat())?;
    let (filter, complaints) = compared(&query, moment(&query, "as_of")?);
    if let Some(complaint) = complaints.first() {
        return Err(Refused::parameter(complaint));
    }
    let now_ms = if filter.as_of_ms > 0 { filter.as_of_ms } else { Utc::now().timestamp_millis() };
    let (after, limit) = (cursor(&query)?, limit(&query)?);
    let (mut rows, sums) = tokio::try_join!(
        desk.store.reconciliation(&tenant, &filter, &after, limit + 1),
        desk.store.reconciliation_sums(&tenant, &filter)
    )?;
    let next = cut(&mut rows, limit, Cursor::after_discrepancy);
    ok(&Page {
        items: rows.into_iter().map(|row| Mismatch::new(row, now_ms)).collect(),
        next,
        total: sums.iter().map(|s| s.count).sum(),
        totals: sums.iter().map(|s| total(s, Some(s.value.clone()))).collect(),
        as_of: (filter.as_of_ms > 0).then(|| time(filter.as_of_ms)),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    reason: String,
    /// The order, unless a shipment of it is meant.
    object: Option<ObjectRef>,
    until: Option<String>,
    owner: Option<String>,
    /// Reasons to set aside; without it all that stand.
    codes: Option<Vec<String>>,
}

/// As the forms of the pages do it.
async fn decide(desk: Shared, request: HttpRequest, bytes: web::Bytes) -> Answer {
    let by = act::operator(&desk, &request)?;
    let root = super::named(&request)?;
    let body: Decision = act::body(&bytes)?;
    let object = body.object.unwrap_or_else(|| root.clone());
    let missing = || Refused::not_found(&object.to_string());
    let flow = desk.store.workflow(&by.tenant, &root).await?.ok_or_else(missing)?;
    if !flow.members.contains(&object.to_string()) {
        return Err(missing());
    }
    let verb = request.match_info().get("decision").unwrap_or_default().to_owned();
    let codes = match body.codes {
        Some(codes) => codes,
        None if verb == "ready" => standing(&desk, &by.tenant, &root, &object).await?,
        None => Vec::new(),
    };
    let wish = Wish {
        decision: &verb,
        reason: Some(&body.reason),
        until: body.until.as_deref(),
        owner: body.owner.as_deref(),
        codes: &codes,
    };
    let (kind, data) = decision(&wish).map_err(|(field, text)| match field {
        "decision" => Refused::nothing_here(),
        field => Refused::body(&format!("/{field}"), text),
    })?;
    let act = act::Ids::of(&request)?.act(0, kind, object, data);
    let id = act.id.clone();
    let acted = act::act(&desk, &by, vec![act]).await?;
    ok(&serde_json::json!({"id": id, "stored": acted.stored}))
}

/// The reasons that stand against billing it.
async fn standing(desk: &Desk, tenant: &str, root: &ObjectRef, object: &ObjectRef) -> Result<Vec<String>, Refused> {
    let filter = ReadinessFilter { text: root.id.clone(), now_ms: Utc::now().timestamp_millis(), ..Default::default() };
    let rows = desk.store.readiness(tenant, &filter, &Cursor::start(), super::MAX_PER_PAGE).await?;
    let found = rows.into_iter().find(|row| {
        (&*row.root_type, &*row.root_id) == (&*root.kind, &*root.id)
            && (&*row.object_type, &*row.object_id) == (&*object.kind, &*object.id)
    });
    Ok(found.map(|row| row.reasons).unwrap_or_default())
}

#[derive(Serialize)]
struct Frozen {
    list: &'static str,
    as_of: String,
    by: String,
    rows: u64,
}

/// Moments that lists can be asked as of, beside those whose tables forget nothing.
async fn freezes(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = reader(&desk, &request)?.tenant;
    query(&request, &[])?;
    let found = desk.store.freezes(&tenant).await?;
    let items: Vec<Frozen> = found
        .into_iter()
        .filter_map(|one| {
            let list = frozen::list_of(&one)?.key;
            Some(Frozen { list, as_of: time(one.frozen_ms), by: one.person, rows: one.rows })
        })
        .collect();
    ok(&serde_json::json!({"items": items}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Freeze {
    list: String,
}

async fn freeze(desk: Shared, request: HttpRequest, bytes: web::Bytes) -> Answer {
    let by = act::operator(&desk, &request)?;
    let body: Freeze = act::body(&bytes)?;
    let list = export::list(&body.list).filter(|list| list.past != Past::None);
    let list = list.ok_or_else(|| {
        Refused::body("/list", "Expected workflows, exceptions, breaches, readiness, reconciliation or failures.")
    })?;
    let at = frozen::take(&desk, &by.tenant, list, &by.source, Utc::now().timestamp_millis()).await?;
    ok(&serde_json::json!({"list": list.key, "as_of": time(at)}))
}
