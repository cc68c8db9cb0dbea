//! The addresses of exceptions: the queue, one of them, and the forms of both.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};

use super::deed::{Deed, Done, Snooze, seat};
use super::one::{self, Known};
use super::{Found, KNOWN, PER_PAGE, all, filter, list};
use crate::pages::act::Submission;
use crate::pages::desk::Desk;
use crate::pages::problem::Trouble;
use crate::pages::routes::{acted, cursor, part, told};
use crate::pages::visit::{Label, Visit};
use crate::pages::words;
use crate::pages::workflows::FacetCount;
use crate::store::rows::ExceptionRow;
use crate::store::{Cursor, ExceptionFilter, Muting};

pub(super) type Answer = Result<HttpResponse, Trouble>;
type Shared = web::Data<Desk>;

/// Exceptions that one form may be about.
const MAX_AT_ONCE: usize = 500;

/// To be put under `/t/{tenant}`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/exceptions", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, queue)))
        .route(
            "/exceptions/act",
            web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, many)),
        )
        .route("/exceptions/all", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, all::show)))
        .route(
            "/exceptions/all",
            web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, all::act)),
        )
        .route("/exceptions/{id}", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, show)))
        .route(
            "/exceptions/{id}/act",
            web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, single)),
        );
}

async fn queue(desk: &Desk, request: &HttpRequest) -> Answer {
    let mut visit = Visit::new(desk, request, &KNOWN).await?;
    let (filter, complaints) = filter(&visit.query);
    visit.notices.extend(complaints);
    let after = cursor(&mut visit);
    let store = crate::pages::frozen::store(desk, &visit, "exceptions").await?;
    let tenant = visit.tenant.as_str();
    let definitions = desk.shelf.of(tenant);
    visit
        .show(desk, async {
            // Which sources were silent then is not kept: at an earlier moment nothing is explained away.
            let muting = if visit.as_of_ms.is_some() { Muting::default() } else { store.muting(tenant).await? };
            let narrowed = filter
                != ExceptionFilter {
                    state: filter.state.clone(),
                    muted: filter.muted,
                    sort: filter.sort,
                    ..ExceptionFilter::default()
                };
            let open = ExceptionFilter { state: filter.state.clone(), muted: Some(true), ..ExceptionFilter::default() };
            let (mut rows, sums, facets, explained) = tokio::try_join!(
                store.exceptions(tenant, &filter, &muting, &after, PER_PAGE as u64 + 1),
                async {
                    // Adding up everything says little and costs much: money is told of what was chosen.
                    match narrowed {
                        true => store.exception_sums(tenant, &filter, &muting).await,
                        false => Ok(Vec::new()),
                    }
                },
                store.exception_facets(tenant, &filter, &muting),
                async {
                    match muting.sources.is_empty() {
                        true => Ok(Vec::new()),
                        false => store.exception_sums(tenant, &open, &muting).await,
                    }
                },
            )?;
            let more = rows.len() > PER_PAGE;
            rows.truncate(PER_PAGE);
            let next = rows.last().filter(|_| more).map(|row| Cursor::after_exception(row, filter.sort).to_string());
            let facets: Vec<FacetCount> = facets
                .into_iter()
                .map(|facet| FacetCount { name: facet.name, value: facet.value, count: facet.count })
                .collect();
            let found = Found {
                tenant,
                query: &visit.query,
                rows: &rows,
                sums: &sums,
                facets: &facets,
                states: &filter.state,
                muting: &muting,
                muted: explained.iter().map(|sum| sum.count).sum(),
                catalogue: &definitions.exceptions,
                any: narrowed || !facets.is_empty(),
                next,
            };
            Ok((Label::new("exceptions", "Exceptions", "exceptions"), list(&visit.clock, &found)))
        })
        .await
}

async fn show(desk: &Desk, request: &HttpRequest) -> Answer {
    let visit = Visit::new(desk, request, &[]).await?;
    let tenant = visit.tenant.as_str();
    let id = part(request, "id");
    let definitions = desk.shelf.of(tenant);
    visit
        .show(desk, async {
            let row = known(desk, tenant, &id).await?;
            let end = async {
                match row.closed_by.split_once(' ').filter(|_| row.closed) {
                    Some((source, event)) => desk.store.taken_as(tenant, source, event).await,
                    None => Ok(None),
                }
            };
            let (events, muting, end) = tokio::try_join!(about(desk, tenant, &row), desk.store.muting(tenant), end)?;
            let known = Known {
                tenant,
                row: &row,
                events: &events,
                end: end.as_ref(),
                catalogue: &definitions.exceptions,
                muting: &muting,
            };
            let page = one::one(&visit.clock, &known);
            let title = format!("{} · {}", page.row.title, page.row.key);
            Ok((Label::new("exceptions", title, format!("x:{id}")), page))
        })
        .await
}

/// Events of the objects on which acts about it and its end are kept.
async fn about(
    desk: &Desk,
    tenant: &str,
    row: &ExceptionRow,
) -> Result<Vec<crate::store::rows::EventRow>, crate::store::StoreError> {
    let mut objects = vec![seat(row)];
    let own = milepost_ingest::ObjectRef::new(&row.object_type, &row.object_id);
    if !objects.contains(&own) {
        objects.push(own);
    }
    desk.store.events_of(tenant, &objects).await
}

async fn known(desk: &Desk, tenant: &str, id: &str) -> Result<ExceptionRow, Trouble> {
    let missing =
        || Trouble::NotFound { tenant: tenant.to_owned(), what: format!("An exception “{}”", words::cut(id, 40)) };
    desk.store.exception(tenant, id).await?.ok_or_else(missing)
}

async fn single(desk: &Desk, request: &HttpRequest, form: Submission) -> Answer {
    let row = known(desk, &form.by.tenant, &part(request, "id")).await?;
    perform(desk, &form, &[row]).await?;
    Ok(form.answer(&form.back))
}

async fn many(desk: &Desk, _: &HttpRequest, form: Submission) -> Answer {
    let mut ids: Vec<String> = form.all("id").into_iter().map(str::to_owned).collect();
    ids.sort();
    ids.dedup();
    if ids.is_empty() {
        return Err(form.bad("Choose at least one exception."));
    }
    if ids.len() > MAX_AT_ONCE {
        return Err(form.bad(&format!("Choose at most {MAX_AT_ONCE} exceptions at once.")));
    }
    let rows = desk.store.exceptions_named(&form.by.tenant, &ids).await?;
    perform(desk, &form, &rows).await?;
    Ok(form.answer(&form.back))
}

pub(super) async fn perform(desk: &Desk, form: &Submission, rows: &[ExceptionRow]) -> Result<(), Trouble> {
    let now = Utc::now();
    let done = read(form, now)?;
    done.check(&desk.shelf.of(&form.by.tenant).exceptions, now).map_err(|wrong| form.bad(&wrong.what))?;
    let act = |(position, row): (usize, &ExceptionRow)| form.act(position, done.kind(), seat(row), done.data(row));
    form.perform(desk, rows.iter().enumerate().map(act).collect()).await
}

/// The form's button says what is done.
fn read(form: &Submission, now: DateTime<Utc>) -> Result<Done, Trouble> {
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let until = || match form.get("for") {
        None => Ok(None),
        Some(time) => match crate::domain::duration(time).and_then(|time| now.checked_add_signed(time)) {
            Some(at) => Ok(Some(at)),
            None => Err(form.bad("Choose how long.")),
        },
    };
    let deed = match form.need("do", "Choose what to do.")? {
        "acknowledge" => Deed::Acknowledge { until: until()? },
        // In the queue an owner or a team is said; taking it means oneself.
        "take" => Deed::Assign { owner: Some(person(form)), team: None },
        "assign" => Deed::Assign { owner: given(form, "owner"), team: given(form, "team") },
        "snooze" => Deed::Snooze(match (form.get("event"), form.get("count"), until()?) {
            (Some(kind), ..) => Snooze::Event(kind.to_owned()),
            (_, Some(count), _) => {
                Snooze::Count(count.parse().map_err(|_| form.bad("A number of events is expected."))?)
            }
            (_, _, Some(at)) => Snooze::Until(at),
            _ => return Err(form.bad("Say until when it is put off.")),
        }),
        "waive" => Deed::Waive,
        "comment" => Deed::Comment,
        "reopen" => Deed::Reopen,
        _ => return Err(form.bad("The form asks for something that cannot be done.")),
    };
    Ok(Done { deed, text: text("text"), code: text("code") })
}

fn person(form: &Submission) -> String {
    form.by.source.strip_prefix("person/").unwrap_or_default().to_owned()
}

/// A field that was filled in; `-` takes the name away.
fn given(form: &Submission, name: &str) -> Option<String> {
    form.get(name).map(|value| if value == "-" { String::new() } else { value.to_owned() })
}
