//! The addresses of finance: the worklist, one order, what does not match, and what a person decides.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::DateTime;
use milepost_ingest::ObjectRef;

use super::decision::{Wish, decision};
use super::{FILTERS, FILTERS_COMPARED, Found, PER_PAGE, compared, comparison, filter, item, list};
use crate::pages::act::Submission;
use crate::pages::desk::Desk;
use crate::pages::problem::Trouble;
use crate::pages::routes::{acted, cursor, part, told};
use crate::pages::visit::{Label, Visit};
use crate::pages::words;
use crate::pages::workflow::actions::Actions;
use crate::store::rows::EventRow;
use crate::store::{Cursor, ReadinessFilter};

type Answer = Result<HttpResponse, Trouble>;
type Shared = web::Data<Desk>;

/// Where a reader stands, beside the filters.
const PLACE: [&str; 2] = ["after", "tz"];

/// To be put under `/t/{tenant}`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/readiness", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, worklist)))
        .route("/readiness/{type}/{id}", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, one)))
        .route(
            "/readiness/{type}/{id}/act",
            web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, decide)),
        )
        .route("/reconciliation", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, mismatches)));
}

async fn worklist(desk: &Desk, request: &HttpRequest) -> Answer {
    let mut visit = Visit::new(desk, request, &[&FILTERS[..], &PLACE].concat()).await?;
    let (filter, complaints) = filter(&visit.query, visit.as_of_ms, visit.clock.now_ms);
    visit.notices.extend(complaints);
    let after = cursor(&mut visit);
    let tenant = visit.tenant.as_str();
    visit
        .show(desk, async {
            let open = filter.of_open();
            let (mut rows, sums, open_sums) = tokio::try_join!(
                desk.store.readiness(tenant, &filter, &after, PER_PAGE as u64 + 1),
                desk.store.readiness_sums(tenant, &filter),
                async { if filter == open { Ok(Vec::new()) } else { desk.store.readiness_sums(tenant, &open).await } },
            )?;
            let open_sums = if filter == open { &sums } else { &open_sums };
            // Only an empty list asks whether there is anything at all.
            let any = !rows.is_empty() || {
                let all = ReadinessFilter { as_of_ms: filter.as_of_ms, now_ms: filter.now_ms, ..Default::default() };
                !desk.store.readiness(tenant, &all, &Cursor::start(), 1).await?.is_empty()
            };
            let more = rows.len() > PER_PAGE;
            rows.truncate(PER_PAGE);
            let next = rows.last().filter(|_| more).map(|row| Cursor::after_readiness(row).to_string());
            let found = Found { tenant, query: &visit.query, rows: &rows, sums: &sums, open: open_sums, any, next };
            Ok((Label::new("readiness", "Invoice readiness", "readiness"), list(&visit.clock, &found)))
        })
        .await
}

async fn one(desk: &Desk, request: &HttpRequest) -> Answer {
    let visit = Visit::new(desk, request, &["as_of"]).await?;
    let tenant = visit.tenant.as_str();
    let root = ObjectRef::new(part(request, "type"), part(request, "id"));
    let missing =
        || Trouble::NotFound { tenant: tenant.to_owned(), what: format!("{} {}", words::title(&root.kind), root.id) };
    let row = desk.store.workflow(tenant, &root).await?.ok_or_else(missing)?;
    visit
        .show(desk, async {
            let members: Vec<ObjectRef> = row.members.iter().filter_map(|name| ObjectRef::parse(name)).collect();
            let mut events = desk.store.events_of(tenant, &members).await?;
            if let Some(as_of) = visit.as_of_ms {
                events.retain(|event| event.received_ms <= as_of);
            }
            let at = DateTime::from_timestamp_millis(visit.clock.now_ms).unwrap_or_default();
            let entries = events.clone().into_iter().filter_map(EventRow::into_entry);
            let flow = crate::domain::assemble(&desk.definitions(tenant), &root, entries, at).ok_or_else(missing)?;
            let mut page = item::item(tenant, &visit.clock, &flow, visit.as_of_ms.is_some());
            if visit.as_of_ms.is_none() {
                page = page.with_actions(Actions::of(desk, tenant, &visit.clock, &flow, &events).await?);
            }
            Ok((Label::new("readiness", format!("Billing of {}", root.id), format!("w:{root}")), page))
        })
        .await
}

/// Holds, releases, marks ready, or asks.
async fn decide(desk: &Desk, request: &HttpRequest, form: Submission) -> Answer {
    let root = ObjectRef::new(part(request, "type"), part(request, "id"));
    let object = form.get("object").and_then(ObjectRef::parse).unwrap_or_else(|| root.clone());
    let missing = || Trouble::NotFound { tenant: form.by.tenant.clone(), what: object.to_string() };
    let flow = desk.store.workflow(&form.by.tenant, &root).await?.ok_or_else(missing)?;
    if !flow.members.contains(&object.to_string()) {
        return Err(missing());
    }
    let codes: Vec<String> = form.get("codes").unwrap_or_default().split(',').map(str::to_owned).collect();
    let wish = Wish {
        decision: form.get("do").unwrap_or_default(),
        reason: form.get("reason"),
        until: form.get("until"),
        owner: form.get("owner"),
        codes: &codes,
    };
    let (kind, data) = decision(&wish).map_err(|(_, text)| form.bad(text))?;
    let act = form.act(0, kind, object, data);
    form.done(desk, vec![act]).await
}

async fn mismatches(desk: &Desk, request: &HttpRequest) -> Answer {
    let mut visit = Visit::new(desk, request, &[&FILTERS_COMPARED[..], &PLACE].concat()).await?;
    let (filter, complaints) = compared(&visit.query, visit.as_of_ms);
    visit.notices.extend(complaints);
    let after = cursor(&mut visit);
    let tenant = visit.tenant.as_str();
    visit
        .show(desk, async {
            let (mut rows, sums) = tokio::try_join!(
                desk.store.reconciliation(tenant, &filter, &after, PER_PAGE as u64 + 1),
                desk.store.reconciliation_sums(tenant, &filter),
            )?;
            let more = rows.len() > PER_PAGE;
            rows.truncate(PER_PAGE);
            let next = rows.last().filter(|_| more).map(|row| Cursor::after_discrepancy(row).to_string());
            let page = comparison(tenant, &visit.clock, &visit.query, &rows, &sums, next);
            Ok((Label::new("readiness", "Reconciliation", "readiness"), page))
        })
        .await
}
