//! JSON for the questions that the pages answer, for programs with a key that reads.

mod act;
mod actions;
mod answer;
pub mod definitions;
mod exceptions;
mod export;
mod failures;
mod files;
mod hands;
pub mod openapi;
mod page;
mod readiness;
mod replays;
mod shapes;
mod slas;
mod sources;

use actix_web::http::header;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, web};
use chrono::Utc;
use milepost_ingest::ObjectRef;
use serde::Serialize;

use self::answer::{Refused, ok};
use self::shapes::{Held, Object, WorkflowItem};
use crate::access::Key;
use crate::pages::params::Query;
use crate::pages::{self, Desk, answers_to};
use crate::store::Cursor;
use crate::store::rows::EventRow;

type Answer = Result<HttpResponse, Refused>;
type Shared = web::Data<Desk>;

const PER_PAGE: u64 = 50;
const MAX_PER_PAGE: u64 = 500;

pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/api", web::get().to(page::show)).service(
        web::scope("/api/v1")
            .configure(files::configure)
            .route("/workflows", web::get().to(workflows))
            .route("/workflows/{type}/{id}", web::get().to(workflow))
            .route("/objects/{type}/{id}", web::get().to(object))
            .route("/objects/{type}/{id}/comments", web::post().to(comment))
            .route("/objects/{type}/{id}/{deed}", web::post().to(hands::object))
            .route("/held", web::get().to(held))
            .route("/held/{type}/{id}/{deed}", web::post().to(hands::held))
            .route("/definitions", web::get().to(definitions::list))
            .route("/definitions/preview", web::post().to(definitions::preview))
            .route("/definitions/{key}/migrate", web::post().to(definitions::migrate))
            .configure(failures::configure)
            .route("/openapi.json", web::get().to(openapi::show))
            .configure(actions::configure)
            .configure(replays::configure)
            .route("/export", web::get().to(export::export))
            .configure(exceptions::configure)
            .configure(slas::configure)
            .configure(sources::configure)
            .configure(readiness::configure)
            .default_service(web::to(async || Err::<HttpResponse, _>(Refused::nothing_here()))),
    );
}

#[derive(Serialize)]
struct Listing<T> {
    items: Vec<T>,
    /// Give it back as `after` for what follows; null at the end.
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

/// A key that may read.
fn reader(desk: &Desk, request: &HttpRequest) -> Result<Key, Refused> {
    let key = key(desk, request)?;
    if key.grant.may_read() { Ok(key) } else { Err(Refused::send_key()) }
}

/// The tenant is the key's; nothing in the request can name another.
fn tenant(desk: &Desk, request: &HttpRequest) -> Result<String, Refused> {
    Ok(reader(desk, request)?.tenant)
}

/// The key that the request shows.
fn key(desk: &Desk, request: &HttpRequest) -> Result<Key, Refused> {
    if !answers_to(desk, request) {
        return Err(Refused::misdirected());
    }
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|text| text.strip_prefix("Bearer ")).ok_or_else(Refused::no_key)?;
    desk.keys.verify(bearer.trim()).ok_or_else(Refused::unknown_key)
}

/// The query, when nothing in it is unknown.
fn query(request: &HttpRequest, known: &[&str]) -> Result<Query, Refused> {
    let query = Query::parse(request.query_string());
    if let Some((name, _)) = query.pairs().find(|(name, _)| !known.contains(name)) {
        return Err(Refused::parameter(&format!("{name}: no such parameter; there are {}.", known.join(", "))));
    }
    Ok(query)
}

fn cursor(query: &Query) -> Result<Cursor, Refused> {
    Cursor::parse(query.get("after").unwrap_or_default())
        .ok_or_else(|| Refused::parameter("after: expected what an answer gave as next."))
}

fn limit(query: &Query) -> Result<u64, Refused> {
    match query.get("limit").map(str::parse::<u64>) {
        None => Ok(PER_PAGE),
        Some(Ok(n)) if (1..=MAX_PER_PAGE).contains(&n) => Ok(n),
        Some(_) => Err(Refused::parameter(&format!("limit: expected 1 to {MAX_PER_PAGE}."))),
    }
}

/// Cuts what was asked for beyond the limit, and says where the next page begins.
fn cut<T>(rows: &mut Vec<T>, limit: u64, place: impl Fn(&T) -> Cursor) -> Option<String> {
    let more = rows.len() as u64 > limit;
    rows.truncate(limit as usize);
    rows.last().filter(|_| more).map(|row| place(row).to_string())
}

async fn workflows(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let known: Vec<&str> =
        pages::workflows::KNOWN.into_iter().filter(|name| *name != "as_of").chain(["limit"]).collect();
    let query = query(&request, &known)?;
    let (filter, complaints) = pages::workflow_filter(&query);
    if let Some(complaint) = complaints.first() {
        return Err(Refused::parameter(complaint));
    }
    let (after, limit) = (cursor(&query)?, limit(&query)?);
    let (mut rows, total) = tokio::try_join!(
        desk.store.workflows(&tenant, &filter, &after, limit + 1),
        desk.store.workflow_count(&tenant, &filter)
    )?;
    let next = cut(&mut rows, limit, |row| Cursor::after_workflow(row, filter.sort));
    ok(&Listing { items: rows.into_iter().map(WorkflowItem::from).collect(), next, total: Some(total) })
}

#[derive(serde::Deserialize)]
struct Name {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

fn named(request: &HttpRequest) -> Result<ObjectRef, Refused> {
    let name = web::Path::<Name>::extract(request).into_inner().map_err(|_| Refused::nothing_here())?;
    Ok(ObjectRef::new(name.kind.clone(), name.id.clone()))
}

/// The moment that a parameter tells, in milliseconds.
fn moment(query: &Query, name: &str) -> Result<Option<i64>, Refused> {
    let time = query.time(name).map_err(|complaint| Refused::parameter(&complaint))?;
    Ok(time.map(|time| time.timestamp_millis()))
}

async fn workflow(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let query = query(&request, &["as_of"])?;
    let root = named(&request)?;
    let as_of = query.time("as_of").map_err(|complaint| Refused::parameter(&complaint))?;
    let as_of = as_of.map_or_else(Utc::now, |at| at.with_timezone(&Utc));
    let missing = || Refused::not_found(&root.to_string());
    let row = desk.store.workflow(&tenant, &root).await?.ok_or_else(missing)?;
    let members: Vec<ObjectRef> = row.members.iter().filter_map(|name| ObjectRef::parse(name)).collect();
    let events = desk.store.events_of(&tenant, &members).await?;
    let entries = events.into_iter().filter_map(EventRow::into_entry);
    let workflow = crate::domain::assemble(&desk.definitions(&tenant), &root, entries, as_of).ok_or_else(missing)?;
    let past = query.get("as_of").is_some();
    ok(&if past { workflow } else { desk.expect(&tenant, workflow) })
}

async fn object(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    query(&request, &[])?;
    let name = named(&request)?;
    let only = std::slice::from_ref(&name);
    let (row, events) = tokio::try_join!(desk.store.object(&tenant, &name), desk.store.events_of(&tenant, only))?;
    let row = row.ok_or_else(|| Refused::not_found(&name.to_string()))?;
    ok(&Object::new(row, events))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Comment {
    text: String,
}

async fn comment(desk: Shared, request: HttpRequest, bytes: web::Bytes) -> Answer {
    let by = act::operator(&desk, &request)?;
    let name = named(&request)?;
    let Comment { text } = act::body(&bytes)?;
    if text.trim().is_empty() || text.chars().count() > pages::MAX_COMMENT_CHARS {
        return Err(Refused::body("/text", &format!("Expected 1 to {} characters.", pages::MAX_COMMENT_CHARS)));
    }
    desk.store.object(&by.tenant, &name).await?.ok_or_else(|| Refused::not_found(&name.to_string()))?;
    let data = [("text".to_owned(), text.into())].into_iter().collect();
    let done = act::Ids::of(&request)?.act(0, "object.commented", name, data);
    let id = done.id.clone();
    let acted = act::act(&desk, &by, vec![done]).await?;
    ok(&serde_json::json!({"id": id, "stored": acted.stored}))
}

async fn held(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let query = query(&request, &["after", "limit"])?;
    let (after, limit) = (cursor(&query)?, limit(&query)?);
    let (mut rows, groups) =
        tokio::try_join!(desk.store.held(&tenant, &after, limit + 1), desk.store.held_groups(&tenant))?;
    let next = cut(&mut rows, limit, Cursor::after_held);
    let total = groups.iter().map(|group| group.objects).sum();
    ok(&Listing { items: rows.into_iter().map(Held::from).collect(), next, total: Some(total) })
}
