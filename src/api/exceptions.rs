//! Exceptions for programs: the queue, one with its history, and what may be done about it.

use actix_web::{FromRequest as _, HttpRequest, web};
use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answer::{Refused, ok};
use super::shapes::{filled, time};
use super::{Answer, Listing, Shared, act, cursor, cut, limit, query, tenant};
use crate::domain::{Catalogue, Money};
use crate::pages::exceptions::deed::{Deed, Done, Snooze, seat};
use crate::pages::{self, Desk, words};
use crate::store::rows::{EventRow, ExceptionRow};
use crate::store::{Cursor, Muting};

/// To be put under `/api/v1`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/exceptions", web::get().to(list))
        .route("/exceptions/{id}", web::get().to(one))
        .route("/exceptions/{id}/{deed}", web::post().to(perform));
}

#[derive(Serialize)]
pub struct Exception {
    id: String,
    kind: String,
    title: String,
    severity: String,
    object: ObjectRef,
    /// Root of the workflow that carries it; null for what stands above workflows.
    workflow: Option<ObjectRef>,
    detail: String,
    system: String,
    blocking: bool,
    since: String,
    known_at: String,
    state: String,
    occurrence: u32,
    owner: Option<String>,
    team: Option<String>,
    reason: Option<String>,
    comments: u32,
    until: Option<String>,
    acknowledge_by: Option<String>,
    resolve_by: Option<String>,
    /// The arithmetic of both, in words.
    acknowledge_arithmetic: Option<String>,
    resolve_arithmetic: Option<String>,
    closed_at: Option<String>,
    closed_by: Option<Closed>,
    muted_by: Option<String>,
    customer: Option<String>,
    warehouse: Option<String>,
    carrier: Option<String>,
    impact: Impact,
    runbook: Option<String>,
}

#[derive(Serialize)]
struct Closed {
    source: Option<String>,
    event: Option<String>,
    kind: String,
}

#[derive(Serialize)]
struct Impact {
    orders: u32,
    customers: u32,
    money: Vec<Money>,
}

impl Exception {
    pub fn new(row: ExceptionRow, catalogue: &Catalogue, muting: &Muting) -> Self {
        let muted_by = muting.of(&row).map(str::to_owned);
        let event = row.closed_by.split_once(' ').map(|(source, id)| (source.to_owned(), id.to_owned()));
        let money = |text: &String| {
            let (value, currency) = text.split_once(' ')?;
            Some(Money { value: value.parse::<Decimal>().ok()?, currency: currency.to_owned() })
        };
        let (acknowledge_arithmetic, resolve_arithmetic) = pages::exceptions::reckoned(catalogue, &row);
        Self {
            acknowledge_arithmetic,
            resolve_arithmetic,
            title: pages::exceptions::title(catalogue, &row.kind),
            runbook: catalogue.get(&row.kind).map(|kind| kind.runbook.clone()).and_then(filled),
            object: ObjectRef::new(row.object_type, row.object_id),
            workflow: (!row.root_type.is_empty()).then(|| ObjectRef::new(row.root_type, row.root_id)),
            closed_at: row.closed_ms.filter(|_| row.closed).map(time),
            closed_by: row.closed.then(|| Closed {
                source: event.as_ref().map(|(source, _)| source.clone()),
                event: event.map(|(_, id)| id),
                kind: row.closed_kind,
            }),
            impact: Impact {
                orders: row.orders,
                customers: row.customers,
                money: row.money.iter().filter_map(money).collect(),
            },
            id: row.id,
            kind: row.kind,
            severity: row.severity,
            detail: row.detail,
            system: row.system,
            blocking: row.blocking,
            since: time(row.since_ms),
            known_at: time(row.known_ms),
            state: row.state,
            occurrence: row.occurrence,
            owner: filled(row.owner),
            team: filled(row.team),
            reason: filled(row.reason),
            comments: row.comments,
            until: row.until_ms.map(time),
            acknowledge_by: row.acknowledge_by_ms.map(time),
            resolve_by: row.resolve_by_ms.map(time),
            muted_by,
            customer: filled(row.customer),
            warehouse: filled(row.warehouse),
            carrier: filled(row.carrier),
        }
    }
}

/// One with what was done about it, the oldest first.
#[derive(Serialize)]
struct Detail {
    #[serde(flatten)]
    exception: Exception,
    history: Vec<Act>,
}

#[derive(Serialize)]
struct Act {
    id: String,
    kind: String,
    by: String,
    at: String,
    data: serde_json::Value,
}

async fn list(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let known: Vec<&str> =
        pages::exceptions::KNOWN.into_iter().filter(|name| *name != "done").chain(["limit"]).collect();
    let query = query(&request, &known)?;
    let (mut filter, complaints) = pages::exceptions::filter(&query);
    if let Some(complaint) = complaints.first() {
        return Err(Refused::parameter(complaint));
    }
    // Programs are told everything unless they ask otherwise.
    if query.get("muted").is_none() {
        filter.muted = None;
    }
    let definitions = desk.shelf.of(&tenant);
    let kinds = filter.kind.iter().find(|kind| definitions.exceptions.get(kind).is_none());
    if let Some(kind) = kinds {
        let known: Vec<&str> = definitions.exceptions.kinds().map(|(kind, _)| kind.as_str()).collect();
        return Err(Refused::parameter(&format!("kind: `{kind}` is none; there are {}.", known.join(", "))));
    }
    let (after, limit) = (cursor(&query)?, limit(&query)?);
    let muting = desk.store.muting(&tenant).await?;
    let (mut rows, sums) = tokio::try_join!(
        desk.store.exceptions(&tenant, &filter, &muting, &after, limit + 1),
        desk.store.exception_sums(&tenant, &filter, &muting)
    )?;
    let next = cut(&mut rows, limit, |row| Cursor::after_exception(row, filter.sort));
    let total = sums.iter().map(|sum| sum.count).sum();
    let items = rows.into_iter().map(|row| Exception::new(row, &definitions.exceptions, &muting)).collect();
    ok(&Listing { items, next, total: Some(total) })
}

async fn one(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    query(&request, &[])?;
    let id = web::Path::<String>::extract(&request).into_inner().map_err(|_| Refused::nothing_here())?;
    let row = row(&desk, &tenant, &id).await?;
    ok(&detail(&desk, &tenant, row).await?)
}

async fn row(desk: &Desk, tenant: &str, id: &str) -> Result<ExceptionRow, Refused> {
    let missing = || Refused::not_found(&format!("exception {}", words::cut(id, 40)));
    desk.store.exception(tenant, id).await?.ok_or_else(missing)
}

async fn detail(desk: &Desk, tenant: &str, row: ExceptionRow) -> Result<Detail, Refused> {
    let seat = [seat(&row)];
    let (events, muting) = tokio::try_join!(desk.store.events_of(tenant, &seat), desk.store.muting(tenant))?;
    let act = |event: EventRow| {
        let data: serde_json::Value = serde_json::from_str(&event.data).ok()?;
        let about = event.event_type.starts_with("exception.") && data["exception"] == row.id.as_str();
        about.then(|| {
            let at = time(event.received_ms);
            (event.received_ms, Act { id: event.event_id, kind: event.event_type, by: event.source, at, data })
        })
    };
    let mut history: Vec<(i64, Act)> = events.into_iter().filter_map(act).collect();
    history.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    let definitions = desk.shelf.of(tenant);
    Ok(Detail {
        exception: Exception::new(row, &definitions.exceptions, &muting),
        history: history.into_iter().map(|(_, act)| act).collect(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acknowledge {
    until: Option<DateTime<Utc>>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assign {
    owner: Option<String>,
    team: Option<String>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PutOff {
    until: Option<DateTime<Utc>>,
    event: Option<String>,
    count: Option<u64>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Say {
    #[serde(default)]
    text: String,
    #[serde(default)]
    code: String,
}

async fn perform(desk: Shared, request: HttpRequest, bytes: web::Bytes) -> Answer {
    let by = act::operator(&desk, &request)?;
    let path = web::Path::<(String, String)>::extract(&request).into_inner().map_err(|_| Refused::nothing_here())?;
    let (id, deed) = path.into_inner();
    let bytes = if bytes.is_empty() { web::Bytes::from_static(b"{}") } else { bytes };
    let done = read(&deed, &bytes)?;
    let row = row(&desk, &by.tenant, &id).await?;
    let definitions = desk.shelf.of(&by.tenant);
    done.check(&definitions.exceptions, Utc::now())
        .map_err(|wrong| Refused::body(&format!("/{}", wrong.field), &wrong.what))?;
    let made = act::Ids::of(&request)?.act(0, done.kind(), seat(&row), done.data(&row));
    let act_id = made.id.clone();
    let acted = act::act(&desk, &by, vec![made]).await?;
    let row = self::row(&desk, &by.tenant, &id).await?;
    let muting = desk.store.muting(&by.tenant).await?;
    let exception = Exception::new(row, &definitions.exceptions, &muting);
    ok(&json!({"act": act_id, "stored": acted.stored, "exception": exception}))
}

fn read(deed: &str, bytes: &[u8]) -> Result<Done, Refused> {
    Ok(match deed {
        "acknowledge" => {
            let Acknowledge { until, text, code } = act::body(bytes)?;
            Done { deed: Deed::Acknowledge { until }, text, code }
        }
        "assign" => {
            let Assign { owner, team, text, code } = act::body(bytes)?;
            Done { deed: Deed::Assign { owner, team }, text, code }
        }
        "snooze" => {
            let PutOff { until, event, count, text, code } = act::body(bytes)?;
            let snooze = match (until, event, count) {
                (Some(at), None, None) => Snooze::Until(at),
                (None, Some(kind), None) => Snooze::Event(kind),
                (None, None, Some(count)) => Snooze::Count(count),
                _ => return Err(Refused::body("", "Expected one of `until`, `event` and `count`.")),
            };
            Done { deed: Deed::Snooze(snooze), text, code }
        }
        "waive" | "comment" | "reopen" => {
            let Say { text, code } = act::body(bytes)?;
            let deed = match deed {
                "waive" => Deed::Waive,
                "comment" => Deed::Comment,
                _ => Deed::Reopen,
            };
            Done { deed, text, code }
        }
        _ => return Err(Refused::nothing_here()),
    })
}
