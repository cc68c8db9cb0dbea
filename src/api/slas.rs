//! Clocks for programs: all of them by state, and those that ran out with what became of it.

use std::collections::HashMap;

use actix_web::{HttpRequest, web};
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use serde::Serialize;

use super::answer::{Refused, ok};
use super::shapes::{filled, time};
use super::{Answer, Listing, Shared, cursor, cut, limit, query, tenant};
use crate::domain::{Money, exception_id};
use crate::pages::Desk;
use crate::pages::params::Query;
use crate::store::rows::{ExceptionRow, SlaRow};
use crate::store::{Cursor, SlaFilter};

/// States of a clock.
const STATES: [&str; 8] = ["open", "at_risk", "breached", "met", "met_late", "waived", "cancelled", "withdrawn"];
/// States of a clock that ran out and was settled.
const SETTLED: [&str; 3] = ["met_late", "waived", "withdrawn"];
const KNOWN: [&str; 13] = [
    "state",
    "policy",
    "definition",
    "kind",
    "system",
    "customer",
    "warehouse",
    "carrier",
    "cause",
    "q",
    "sort",
    "after",
    "limit",
];

/// To be put under `/api/v1`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/slas", web::get().to(slas)).route("/breaches", web::get().to(breaches));
}

#[derive(Serialize)]
struct Clock {
    policy: String,
    title: String,
    kind: String,
    definition: String,
    state: String,
    first_state: Option<String>,
    workflow: ObjectRef,
    object: ObjectRef,
    from: String,
    to: String,
    system: String,
    calendar: Option<String>,
    why: Option<String>,
    started_at: String,
    warn_at: String,
    due_at: String,
    ended_at: Option<String>,
    paused_since: Option<String>,
    allowed_ms: i64,
    paused_ms: i64,
    detected_at: Option<String>,
    detected_late: bool,
    cause: Option<String>,
    forecast_at: Option<String>,
    waived_by: Option<String>,
    waived_reason: Option<String>,
    customer: Option<String>,
    warehouse: Option<String>,
    carrier: Option<String>,
    amount: Option<Money>,
    exception: Option<Taken>,
}

/// The exception of a breach, and who has it.
#[derive(Serialize)]
struct Taken {
    id: String,
    state: String,
    owner: Option<String>,
    team: Option<String>,
    since: String,
}

fn clock(row: SlaRow, taken: &HashMap<String, ExceptionRow>) -> Clock {
    let object = ObjectRef::new(row.object_type, row.object_id);
    let exception = taken.get(&exception_id("sla_breached", &object, &row.policy));
    let amount = row.amount.and_then(|value| Decimal::try_from_i128_with_scale(value, 6).ok());
    Clock {
        exception: exception.map(|row| Taken {
            id: row.id.clone(),
            state: row.state.clone(),
            owner: filled(row.owner.clone()),
            team: filled(row.team.clone()),
            since: time(row.since_ms),
        }),
        policy: row.policy,
        title: row.title,
        kind: row.kind,
        definition: row.definition,
        state: row.verdict,
        first_state: filled(row.first_verdict),
        workflow: ObjectRef::new(row.root_type, row.root_id),
        object,
        from: row.from_step,
        to: row.to_step,
        system: row.system,
        calendar: filled(row.calendar),
        why: filled(row.why),
        started_at: time(row.started_ms),
        warn_at: time(row.warn_ms),
        due_at: time(row.due_ms),
        ended_at: row.ended_ms.map(time),
        paused_since: row.paused_since_ms.map(time),
        allowed_ms: row.limit_ms,
        paused_ms: row.paused_ms,
        detected_at: row.detected_ms.map(time),
        detected_late: row.detected_late,
        cause: filled(row.cause),
        forecast_at: row.forecast_ms.map(time),
        waived_by: filled(row.waived_by),
        waived_reason: filled(row.waived_reason),
        customer: filled(row.customer),
        warehouse: filled(row.warehouse),
        carrier: filled(row.carrier),
        amount: amount.map(|value| Money { value: value.normalize(), currency: row.currency }),
    }
}

fn filter(query: &Query, verdict: Vec<String>) -> Result<SlaFilter, Refused> {
    let one = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let newest = match query.get("sort") {
        None | Some("due") => false,
        Some("newest") => true,
        Some(_) => return Err(Refused::parameter("sort: expected due or newest.")),
    };
    Ok(SlaFilter {
        verdict,
        policy: one("policy"),
        definition: one("definition"),
        kind: one("kind"),
        system: one("system"),
        customer: one("customer"),
        warehouse: one("warehouse"),
        carrier: one("carrier"),
        cause: one("cause"),
        text: one("q"),
        newest,
        ..SlaFilter::default()
    })
}

async fn slas(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let query = query(&request, &KNOWN)?;
    let state = query.list("state");
    if state.iter().any(|state| !STATES.contains(&state.as_str())) {
        return Err(Refused::parameter(&format!("state: expected any of {}.", STATES.join(", "))));
    }
    listing(&desk, &tenant, &query, &filter(&query, state)?).await
}

async fn breaches(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let query = query(&request, &KNOWN)?;
    let verdicts: Vec<&str> = match query.get("state") {
        Some("open") => vec!["breached"],
        Some("closed") => SETTLED.to_vec(),
        None | Some("all") => ["breached"].into_iter().chain(SETTLED).collect(),
        Some(_) => return Err(Refused::parameter("state: expected open, closed or all.")),
    };
    let verdicts = verdicts.into_iter().map(str::to_owned).collect();
    listing(&desk, &tenant, &query, &filter(&query, verdicts)?).await
}

async fn listing(desk: &Desk, tenant: &str, query: &Query, filter: &SlaFilter) -> Answer {
    let (after, limit) = (cursor(query)?, limit(query)?);
    let (mut rows, counts) =
        tokio::try_join!(desk.store.slas(tenant, filter, &after, limit + 1), desk.store.sla_count(tenant, filter))?;
    let next = cut(&mut rows, limit, |row| Cursor::after_sla(row, filter.newest));
    let late = rows.iter().filter(|row| row.breaches > 0 || row.verdict == "breached");
    let ids: Vec<String> = late
        .map(|row| exception_id("sla_breached", &ObjectRef::new(&row.object_type, &row.object_id), &row.policy))
        .collect();
    let taken = if ids.is_empty() { Vec::new() } else { desk.store.exceptions_named(tenant, &ids).await? };
    let taken: HashMap<String, ExceptionRow> = taken.into_iter().map(|row| (row.id.clone(), row)).collect();
    let total = counts.iter().map(|count| count.count).sum();
    let items = rows.into_iter().map(|row| clock(row, &taken)).collect();
    ok(&Listing { items, next, total: Some(total) })
}
