//! The addresses of the pages. A handler reads the request, asks the store, hands the rows to a page, and answers.

use std::cmp::Reverse;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::DateTime;
use milepost_ingest::ObjectRef;

use super::act::Submission;
use super::board::{self, Answers, Flow};
use super::desk::{Desk, FAILURES_BACK_MS, MAX_GROUPS};
use super::failures::{is_active, stand};
use super::params::{Query, qualifiers};
use super::problem::Trouble;
use super::visit::{Label, Visit};
use super::workflow::actions::Actions;
use super::workflow::{self, Facts, Tab};
use super::workflows::{self, FacetCount, Found};
use super::{
    definitions, failures, find, hands, held, integrations, notes, object, objects, payload, prefs, render, traces,
    triage, visit, words,
};
use crate::domain::Definitions;
use crate::store::rows::EventRow;
use crate::store::{Cursor, FailureFilter, FailureGroup, Sort, StageCount, Whose, WorkflowFilter};

type Answer = Result<HttpResponse, Trouble>;
type Shared = web::Data<Desk>;

/// Spans that a page shows at most.
const MAX_SPANS: u64 = 400;
const MAX_FAILURES: u64 = 200;
/// Longest comment; more is cut.
pub const MAX_COMMENT_CHARS: usize = 2_000;

pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.configure(super::assets::configure)
        .configure(super::prefs::configure)
        .route("/", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, home)))
        .route("/go/{anything:.*}", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, find::go)))
        .service(
            web::scope("/t/{tenant}")
                .configure(super::export::configure)
                .configure(super::views::configure)
                .configure(super::frozen::configure)
                .configure(super::insights::configure)
                .configure(failures::configure)
                .configure(super::replays::configure)
                .configure(integrations::configure)
                .configure(triage::configure)
                .configure(payload::configure)
                .route("", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, to_board)))
                .route("/", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, to_board)))
                .route("/rail", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, rail)))
                .route("/board", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, board)))
                .route("/workflows", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, list)))
                .route(
                    "/w/{type}/{id}",
                    web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, detail)),
                )
                .route(
                    "/w/{type}/{id}/{tab}",
                    web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, detail)),
                )
                .route(
                    "/w/{type}/{id}/comment",
                    web::post()
                        .to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, comment)),
                )
                .route(
                    "/w/{type}/{id}/actions/{action}",
                    web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| {
                        acted(desk, request, body, workflow::actions::act)
                    }),
                )
                .route("/o/{type}/{id}", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, one)))
                .configure(super::exceptions::routes::configure)
                .configure(super::slas::routes::configure)
                .route(
                    "/o/{type}/{id}/{deed}",
                    web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| {
                        acted(desk, request, body, hands::submitted)
                    }),
                )
                .configure(super::alerts::configure)
                .configure(super::readiness::routes::configure)
                .route("/held", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, waiting)))
                .route(
                    "/traces/{id}",
                    web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, traces::show)),
                )
                .route(
                    "/objects",
                    web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, objects::show_list)),
                )
                .route(
                    "/definitions",
                    web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, definitions::show_list)),
                )
                .route(
                    "/definitions/{key}",
                    web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, definitions::show)),
                )
                .route(
                    "/search",
                    web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, find::search)),
                ),
        );
}

/// Answers, or tells the trouble.
pub async fn told<F>(desk: Shared, request: HttpRequest, page: F) -> HttpResponse
where
    F: AsyncFn(&Desk, &HttpRequest) -> Answer,
{
    // On the heap: a page asks many questions at once, and debug builds copy their futures about.
    Box::pin(page(&desk, &request)).await.unwrap_or_else(|trouble| trouble.answer(&desk, &request))
}

/// As `told`, for a form.
pub async fn acted<F>(desk: Shared, request: HttpRequest, body: web::Bytes, form: F) -> HttpResponse
where
    F: AsyncFn(&Desk, &HttpRequest, Submission) -> Answer,
{
    let done = match Submission::read(&desk, &request, &body).await {
        Ok(submission) => Box::pin(form(&desk, &request, submission)).await,
        Err(trouble) => Err(trouble),
    };
    done.unwrap_or_else(|trouble| trouble.answer(&desk, &request))
}

/// Somebody says something about an object.
async fn comment(desk: &Desk, request: &HttpRequest, form: Submission) -> Answer {
    let object = ObjectRef::new(part(request, "type"), part(request, "id"));
    let text = form.need("text", "A comment needs words.")?;
    let data = [("text".to_owned(), text.chars().take(MAX_COMMENT_CHARS).collect::<String>().into())];
    let act = form.act(0, "object.commented", object, data.into_iter().collect());
    form.done(desk, vec![act]).await
}

pub fn redirect(to: &str) -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, to)).finish()
}

/// A part of the path with every escape undone; an id may hold a slash. actix has undone all but the escapes of
/// characters that mean something in a path.
pub fn part(request: &HttpRequest, name: &str) -> String {
    words::decode(request.match_info().get(name).unwrap_or_default())
}

async fn home(desk: &Desk, request: &HttpRequest) -> Answer {
    let visit = Visit::outside(desk, request)?;
    if let Some(first) = desk.tenants_with_data().await?.first() {
        return Ok(redirect(&words::tenant_path(first, "board")));
    }
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("127.0.0.1:8080");
    let frame = visit.frame(desk, Label::new("", "Welcome", ""), Default::default());
    let body = render::page(&frame, &notes::first_run(host, &desk.data_dir, &visit.clock.iso_now()), false)?;
    Ok(visit::html(actix_web::http::StatusCode::OK).body(body))
}

async fn to_board(desk: &Desk, request: &HttpRequest) -> Answer {
    let visit = Visit::new(desk, request, &[]).await?;
    Ok(redirect(&words::tenant_path(&visit.tenant, "board")))
}

async fn rail(desk: &Desk, request: &HttpRequest) -> Answer {
    let visit = Visit::new(desk, request, &[]).await?;
    let counts = desk.counts(&visit.tenant, visit.clock.now_ms).await?;
    // Which page is open only the page itself knows.
    let page = request.headers().get("x-milepost-page").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let page = [
        "board",
        "workflows",
        "exceptions",
        "readiness",
        "alerts",
        "triage",
        "failures",
        "replays",
        "held",
        "objects",
        "definitions",
        "slas",
        "process",
        "integrations",
        "insights",
    ]
    .into_iter()
    .find(|key| *key == page)
    .unwrap_or_default();
    let frame = visit.frame(desk, Label::new(page, "", ""), counts);
    Ok(visit::html(actix_web::http::StatusCode::OK).body(render::rail(&frame)?))
}

async fn board(desk: &Desk, request: &HttpRequest) -> Answer {
    let mut visit = Visit::new(desk, request, &["flow", "since", "display", "system", "customer"]).await?;
    let now = visit.clock.now_ms;
    // The shift that was chosen last holds until another is chosen, or none.
    let own = visit.prefs.shift;
    let chosen = visit.query.get("since").map(str::to_owned);
    if chosen.is_none() && !own.is_empty() {
        let there = format!("board{}", visit.query.with("since", own).text());
        return Ok(HttpResponse::SeeOther()
            .insert_header((header::LOCATION, words::tenant_path(&visit.tenant, &there)))
            .finish());
    }
    let since = chosen.clone().filter(|at| at != "none");
    let shift = since.as_ref().and_then(|at| visit.clock.last(at));
    if since.is_some() && shift.is_none() {
        visit.notices.push("since: expected a time of day like 06:00.".into());
    }
    let tenant = visit.tenant.as_str();
    let definitions = desk.definitions(tenant);
    let mut answer = visit
        .show(desk, async {
            let one = |name: &str| visit.query.get(name).unwrap_or_default().to_owned();
            let whose = Whose { system: one("system"), customer: one("customer") };
            let (system, customer) = (whose.system.clone(), whose.customer.clone());
            let open = WorkflowFilter { closed: Some(false), system, customer, ..WorkflowFilter::default() };
            let recent = FailureFilter { from_ms: now - FAILURES_BACK_MS, ..FailureFilter::default() };
            let start = Cursor::start();
            let days = board::days(&visit.clock);
            let (counts, due, next, events, clocks, choices, muting, held, groups, acts) = tokio::try_join!(
                desk.store.board_counts(tenant, &whose),
                desk.store.workflows(tenant, &open, &start, board::ROWS as u64),
                desk.store.next_due(tenant, &whose),
                desk.store.recent_events(tenant, &whose.system, board::FEED as u64),
                desk.clocks(tenant, days, &whose),
                desk.choices(tenant),
                desk.store.muting(tenant),
                desk.store.held_groups(tenant),
                desk.store.failure_groups(tenant, &recent, MAX_GROUPS),
                desk.store.failure_group_acts(tenant),
            )?;
            let standing = stand(&groups, &acts, now);
            let failing: Vec<&FailureGroup> =
                standing.iter().filter(|one| is_active(one)).map(|one| one.group).collect();
            let roots: Vec<ObjectRef> =
                due.iter().map(|row| ObjectRef::new(row.root_type.clone(), row.root_id.clone())).collect();
            let taken = desk.store.owners(tenant, &roots).await?;
            let shift = match (since, shift) {
                (Some(at), Some(since_ms)) => {
                    let count = desk.store.exception_shift(tenant, since_ms).await?;
                    Some(board::Since { at, since_ms, came: count.came, late: count.late, went: count.went })
                }
                _ => None,
            };
            let stages: Vec<StageCount> = counts.iter().map(StageCount::from).collect();
            let flow = flow(&definitions, visit.query.get("flow"), &stages);
            let answers = Answers {
                statuses: counts.iter().map(|row| (row.status.clone(), row.count)).collect(),
                stages: stages.into_iter().map(|row| (row.definition, row.stage, row.status, row.count)).collect(),
                due,
                events,
                clocks,
                days,
                held: held.iter().map(|group| group.objects).sum(),
                held_oldest_ms: held.iter().map(|group| group.oldest_ms).min(),
                failure_groups: failing.len() as u64,
                failures_last_hour: failing.iter().map(|group| group.last_hour).sum(),
                next_due_ms: next,
                owners: taken.into_iter().map(|(root, owner)| (root.to_string(), owner)).collect(),
                shift,
                query: visit.query.clone(),
                whose,
                choices,
                silent: muting.systems,
                wall: visit.query.get("display") == Some("wall"),
            };
            let page = board::board(tenant, &visit.clock, &answers, flow.as_ref());
            Ok((Label::new("board", "Board", "workflows held failures exceptions slas"), page))
        })
        .await?;
    if let Some(chosen) = chosen.filter(|at| at == "none" || board::SHIFTS.contains(&at.as_str())) {
        let kept = header::HeaderValue::from_str(&prefs::kept_shift(&chosen));
        kept.into_iter().for_each(|value| answer.headers_mut().append(header::SET_COOKIE, value));
    }
    Ok(answer)
}

/// The definition asked for, else the longest that has open workflows.
fn flow(definitions: &Definitions, wanted: Option<&str>, stages: &[crate::store::StageCount]) -> Option<Flow> {
    let open = |key: &str| stages.iter().filter(|row| row.definition == key).map(|row| row.count).sum::<u64>();
    let mut alive: Vec<_> = definitions.iter().filter(|definition| open(&definition.key) > 0).collect();
    alive.sort_by_key(|definition| (Some(definition.key.as_str()) != wanted, Reverse(definition.milestones.len())));
    let (first, others) = alive.split_first()?;
    Some(Flow {
        definition: first.key.clone(),
        title: first.title.clone(),
        stages: first.milestones.iter().map(|rule| (rule.key.clone(), rule.title.clone())).collect(),
        others: others.iter().map(|other| (other.key.clone(), other.title.clone(), open(&other.key))).collect(),
    })
}

/// What the address asks for; qualifiers in the text count as parameters. Complaints name the parameter.
pub fn workflow_filter(query: &Query) -> (WorkflowFilter, Vec<String>) {
    let names: Vec<&str> = workflows::FACETS.iter().map(|(name, _)| *name).chain(["closed", "sort"]).collect();
    let (named, text) = qualifiers(query.get("q").unwrap_or_default(), &names);
    let query = named.iter().fold(query.clone(), |query, (name, value)| query.with(name, value));
    let mut complaints = Vec::new();
    let one = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let mut moment = |name: &str| query.moment(name, &mut complaints).unwrap_or(0);
    let (from_ms, to_ms) = (moment("from"), moment("to"));
    let closed = match query.get("closed") {
        None => None,
        Some("yes" | "true") => Some(true),
        Some("no" | "false") => Some(false),
        Some(_) => {
            complaints.push("closed: expected yes or no.".into());
            None
        }
    };
    let sort = match query.get("sort") {
        None | Some("due") => Sort::Due,
        Some("updated") => Sort::Updated,
        Some("created") => Sort::Created,
        Some(_) => {
            complaints.push("sort: expected due, updated or created.".into());
            Sort::Due
        }
    };
    let known = crate::domain::Status::ALL.map(crate::domain::Status::as_str);
    let status = query.list("status");
    if status.iter().any(|status| !known.contains(&status.as_str())) {
        complaints.push(format!("status: expected any of {}.", known.join(", ")));
    }
    let filter = WorkflowFilter {
        status,
        stage: one("stage"),
        definition: one("definition"),
        system: one("system"),
        customer: one("customer"),
        warehouse: one("warehouse"),
        carrier: one("carrier"),
        exception: one("exception"),
        readiness: one("readiness"),
        text,
        from_ms,
        to_ms,
        closed,
        sort,
    };
    (filter.plain(), complaints)
}

/// Where the page begins; a cursor that is none is told and means the beginning.
pub fn cursor(visit: &mut Visit) -> Cursor {
    match visit.query.get("after").map(Cursor::parse) {
        Some(Some(cursor)) => cursor,
        Some(None) => {
            visit.notices.push("after: this is no place in the list; it begins at the top.".into());
            Cursor::start()
        }
        None => Cursor::start(),
    }
}

async fn list(desk: &Desk, request: &HttpRequest) -> Answer {
    let mut visit = Visit::new(desk, request, &workflows::KNOWN).await?;
    let (filter, complaints) = workflow_filter(&visit.query);
    visit.notices.extend(complaints);
    let after = cursor(&mut visit);
    let store = super::frozen::store(desk, &visit, "workflows").await?;
    let tenant = visit.tenant.as_str();
    visit
        .show(desk, async {
            let limit = workflows::PER_PAGE;
            let (mut rows, (total, totals), facets, any) = tokio::try_join!(
                store.workflows(tenant, &filter, &after, limit as u64 + 1),
                store.workflow_sums(tenant, &filter),
                store.workflow_facets(tenant, &filter),
                desk.store.workflow_any(tenant),
            )?;
            let more = rows.len() > limit;
            rows.truncate(limit);
            let next = rows.last().filter(|_| more).map(|row| Cursor::after_workflow(row, filter.sort).to_string());
            let facets: Vec<FacetCount> = facets
                .into_iter()
                .map(|facet| FacetCount { name: facet.name, value: facet.value, count: facet.count })
                .collect();
            let found =
                Found { tenant, query: &visit.query, rows: &rows, total, totals: &totals, any, facets: &facets, next };
            Ok((Label::new("workflows", "Workflows", "workflows"), workflows::list(&visit.clock, &found)))
        })
        .await
}

async fn detail(desk: &Desk, request: &HttpRequest) -> Answer {
    let visit = Visit::new(desk, request, &["as_of"]).await?;
    let tenant = visit.tenant.as_str();
    let root = ObjectRef::new(part(request, "type"), part(request, "id"));
    let missing =
        || Trouble::NotFound { tenant: tenant.to_owned(), what: format!("{} {}", words::title(&root.kind), root.id) };
    let tab = match part(request, "tab").as_str() {
        "" => Tab::Timeline,
        name => Tab::parse(name).ok_or_else(missing)?,
    };
    let known = desk.store.workflow(tenant, &root).await?;
    if let Some(merged) = known.as_ref().filter(|row| row.status == "merged")
        && let Some(shown) = merged.members.first().and_then(|name| ObjectRef::parse(name))
    {
        return Ok(redirect(&words::workflow_path(tenant, &shown.kind, &shown.id)));
    }
    let Some(row) = known else {
        // It may be known without being the root of a workflow.
        return match desk.store.object(tenant, &root).await? {
            Some(_) => Ok(redirect(&words::object_path(tenant, &root.kind, &root.id))),
            None => Err(missing()),
        };
    };
    visit
        .show(desk, async {
            let members: Vec<ObjectRef> = row.members.iter().filter_map(|name| ObjectRef::parse(name)).collect();
            let about = FailureFilter { text: root.id.clone(), ..FailureFilter::default() };
            let start = Cursor::start();
            let (mut events, mut spans, mut failures) = tokio::try_join!(
                desk.store.events_of(tenant, &members),
                desk.store.spans_of(tenant, &members, MAX_SPANS),
                desk.store.failures(tenant, &about, &start, MAX_FAILURES),
            )?;
            failures.retain(|failure| {
                members.iter().any(|object| object.kind == failure.object_type && object.id == failure.object_id)
            });
            if let Some(as_of) = visit.as_of_ms {
                events.retain(|event| event.received_ms <= as_of);
                spans.retain(|span| span.received_ms <= as_of);
                failures.retain(|failure| failure.received_ms <= as_of);
            }
            let at = DateTime::from_timestamp_millis(visit.clock.now_ms).unwrap_or_default();
            let entries = events.clone().into_iter().filter_map(EventRow::into_entry);
            let flow = crate::domain::assemble(&desk.definitions(tenant), &root, entries, at).ok_or_else(missing)?;
            let flow = if visit.as_of_ms.is_some() { flow } else { desk.expect(tenant, flow) };
            let facts = Facts {
                tenant,
                workflow: &flow,
                events: &events,
                spans: &spans,
                failures: &failures,
                tab,
                as_of_ms: visit.as_of_ms,
            };
            let mut page = workflow::detail(&visit.clock, &facts);
            if visit.as_of_ms.is_none() {
                page = page.with_actions(Actions::of(desk, tenant, &visit.clock, &flow, &events).await?);
            }
            Ok((Label::new("workflows", root.id.clone(), format!("w:{root}")), page))
        })
        .await
}

async fn one(desk: &Desk, request: &HttpRequest) -> Answer {
    let visit = Visit::new(desk, request, &[]).await?;
    let tenant = visit.tenant.as_str();
    let name = ObjectRef::new(part(request, "type"), part(request, "id"));
    let missing =
        || Trouble::NotFound { tenant: tenant.to_owned(), what: format!("{} {}", words::title(&name.kind), name.id) };
    let row = desk.store.object(tenant, &name).await?.ok_or_else(missing)?;
    if let Some(shown) = ObjectRef::parse(&row.same_as) {
        return Ok(redirect(&words::object_path(tenant, &shown.kind, &shown.id)));
    }
    visit
        .show(desk, async {
            let names = object::names(&row);
            let (mut events, mut spans) = tokio::try_join!(
                desk.store.events_of(tenant, &names),
                desk.store.spans_of(tenant, &names, MAX_SPANS),
            )?;
            let roots: Vec<ObjectRef> = row.workflows.iter().filter_map(|root| ObjectRef::parse(root)).collect();
            let roots = &roots[..roots.len().min(object::SHOWN)];
            let flows = desk.store.workflows_of(tenant, roots, object::SHOWN as u64).await?;
            let page = if let Some(at_ms) = visit.as_of_ms {
                events.retain(|event| event.received_ms <= at_ms);
                spans.retain(|span| span.received_ms <= at_ms);
                let then = object::past::as_it_was(desk, tenant, &row, &flows, at_ms).await?.ok_or_else(missing)?;
                object::object(tenant, &visit.clock, &then, &events, &spans).as_of(&visit.clock, at_ms)
            } else {
                object::object(tenant, &visit.clock, &row, &events, &spans).with_workflows(&flows)
            };
            Ok((Label::new("", name.id.clone(), format!("o:{name}")), page))
        })
        .await
}

async fn waiting(desk: &Desk, request: &HttpRequest) -> Answer {
    let mut visit = Visit::new(desk, request, &["after"]).await?;
    let after = cursor(&mut visit);
    let tenant = visit.tenant.as_str();
    visit
        .show(desk, async {
            let limit = held::PER_PAGE;
            let (groups, mut rows) =
                tokio::try_join!(desk.store.held_groups(tenant), desk.store.held(tenant, &after, limit as u64 + 1))?;
            let more = rows.len() > limit;
            rows.truncate(limit);
            let next = rows.last().filter(|_| more).map(|row| Cursor::after_held(row).to_string());
            let page = held::held(tenant, &visit.clock, &groups, &rows, next, !after.is_start());
            Ok((Label::new("held", "Held", "held"), page))
        })
        .await
}
