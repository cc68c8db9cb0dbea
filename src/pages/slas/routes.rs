//! The addresses of SLAs and of the process page.

use actix_web::{HttpRequest, HttpResponse, web};
use milepost_ingest::ObjectRef;

use super::{DAY_MS, DAYS, WEEKS, breaches, policy, process, slas};
use crate::pages::act::Submission;
use crate::pages::desk::Desk;
use crate::pages::problem::Trouble;
use crate::pages::routes::{acted, cursor, part, told};
use crate::pages::visit::{Label, Visit};
use crate::store::{Cursor, RUNNING, SlaFilter};

type Answer = Result<HttpResponse, Trouble>;
type Shared = web::Data<Desk>;

/// Late clocks that a policy shows.
const LATE: u64 = 10;

/// To be put under `/t/{tenant}`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/slas", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, policies)))
        .route("/slas/breaches", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, list)))
        .route(
            "/slas/waive",
            web::post().to(|desk: Shared, request: HttpRequest, body: web::Bytes| acted(desk, request, body, waive)),
        )
        .route(
            "/slas/{definition}/{policy}",
            web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, one)),
        )
        .route("/process", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, work)));
}

async fn policies(desk: &Desk, request: &HttpRequest) -> Answer {
    let visit = Visit::new(desk, request, &[]).await?;
    let tenant = visit.tenant.as_str();
    let definitions = desk.definitions(tenant);
    let since = visit.clock.now_ms - (DAYS + 1) * DAY_MS;
    visit
        .show(desk, async {
            let (days, open) = tokio::try_join!(desk.store.policy_days(tenant, since), desk.store.policy_open(tenant))?;
            Ok((Label::new("slas", "SLAs", "slas"), slas(tenant, &visit.clock, &definitions, &days, &open)))
        })
        .await
}

async fn one(desk: &Desk, request: &HttpRequest) -> Answer {
    let visit = Visit::new(desk, request, &["within", "warn", "calendar"]).await?;
    let tenant = visit.tenant.as_str();
    let (definition, key) = (part(request, "definition"), part(request, "policy"));
    let definitions = desk.definitions(tenant);
    let missing =
        || Trouble::NotFound { tenant: tenant.to_owned(), what: format!("A policy “{definition}/{key}”") };
    let found = definitions.by_key(&definition).ok_or_else(missing)?;
    let now = visit.clock.now_ms;
    visit
        .show(desk, async {
            let filter = SlaFilter {
                verdict: vec!["breached".into(), "met_late".into()],
                policy: key.clone(),
                definition: definition.clone(),
                newest: true,
                ..SlaFilter::default()
            };
            let tried = ["within", "warn", "calendar"].iter().any(|name| visit.query.get(name).is_some());
            let start = Cursor::start();
            let (days, causes, late, history) = tokio::try_join!(
                desk.store.policy_days(tenant, now - WEEKS * 7 * DAY_MS),
                desk.store.late_causes(tenant, &definition, &key, now - DAYS * DAY_MS),
                desk.store.slas(tenant, &filter, &start, LATE),
                async {
                    match tried {
                        true => desk.store.policy_history(tenant, &definition, &key, now - DAYS * DAY_MS).await,
                        false => Ok(Vec::new()),
                    }
                },
            )?;
            let known = policy::Known {
                tenant,
                definitions: &definitions,
                definition: found,
                policy: &key,
                days: &days,
                causes: &causes,
                late: &late,
                history: &history,
                query: &visit.query,
            };
            let (title, page) = policy::policy(&visit.clock, &known).ok_or_else(missing)?;
            Ok((Label::new("slas", title, "slas"), page))
        })
        .await
}

async fn list(desk: &Desk, request: &HttpRequest) -> Answer {
    let mut visit = Visit::new(desk, request, &breaches::KNOWN).await?;
    let (filter, complaints) = breaches::filter(&visit.query);
    visit.notices.extend(complaints);
    let after = cursor(&mut visit);
    let store = crate::pages::frozen::store(desk, &visit, "breaches").await?;
    let tenant = visit.tenant.as_str();
    visit
        .show(desk, async {
            let running = SlaFilter { verdict: RUNNING.map(str::to_owned).to_vec(), ..filter.clone() };
            let among = filter.verdict.iter().all(|verdict| running.verdict.contains(verdict));
            let limit = breaches::PER_PAGE;
            let (mut rows, mut counts, chosen) = tokio::try_join!(
                store.slas(tenant, &filter, &after, limit as u64 + 1),
                store.sla_count(tenant, &running),
                async { if among { Ok(Vec::new()) } else { store.sla_count(tenant, &filter).await } },
            )?;
            // What was counted for both is told once.
            counts.retain(|count| chosen.iter().all(|other| other.verdict != count.verdict));
            counts.extend(chosen);
            let more = rows.len() > limit;
            rows.truncate(limit);
            let next = rows.last().filter(|_| more).map(|row| Cursor::after_sla(row, filter.newest).to_string());
            let found = breaches::Found {
                tenant,
                query: &visit.query,
                rows: &rows,
                counts: &counts,
                next,
                paged: !after.is_start(),
            };
            Ok((Label::new("slas", "SLA clocks", "slas"), breaches::breaches(&visit.clock, &found)))
        })
        .await
}

/// Somebody says that a clock need not be kept, and why.
async fn waive(desk: &Desk, _: &HttpRequest, form: Submission) -> Answer {
    let missing = "This form is not complete.";
    let root = ObjectRef::new(form.need("type", missing)?, form.need("id", missing)?);
    let reason = form.need("reason", "A waiver needs a reason.")?;
    let data = [
        ("policy".to_owned(), form.need("policy", missing)?.into()),
        ("object".to_owned(), form.need("object", missing)?.into()),
        ("reason".to_owned(), reason.chars().take(crate::pages::routes::MAX_COMMENT_CHARS).collect::<String>().into()),
    ];
    let act = form.act(0, "sla.waived", root, data.into_iter().collect());
    form.done(desk, vec![act]).await
}

async fn work(desk: &Desk, request: &HttpRequest) -> Answer {
    let visit = Visit::new(desk, request, &["flow"]).await?;
    let tenant = visit.tenant.as_str();
    let definitions = desk.definitions(tenant);
    let wanted = visit.query.get("flow").and_then(|key| definitions.by_key(key));
    let missing = || Trouble::NotFound { tenant: tenant.to_owned(), what: "A definition".into() };
    let definition = wanted.or_else(|| definitions.iter().next()).ok_or_else(missing)?;
    let (key, now) = (definition.key.as_str(), visit.clock.now_ms);
    visit
        .show(desk, async {
            let since = now - DAYS * DAY_MS;
            let (days, stages, places, causes, ways) = tokio::try_join!(
                desk.store.policy_days(tenant, now - WEEKS * 7 * DAY_MS),
                desk.store.stage_durations(tenant, key, since),
                desk.store.slow_places(tenant, key, since),
                desk.store.late_causes(tenant, key, "", since),
                desk.store.path_variants(tenant, key, since),
            )?;
            let known = process::Known {
                tenant,
                definition,
                all: definitions.iter().map(|d| (d.key.clone(), d.title.clone())).collect(),
                days: &days,
                stages: &stages,
                places: &places,
                causes: &causes,
                ways: &ways,
                forecast: desk.outlook.said(tenant, key),
            };
            Ok((Label::new("process", "Process", "slas"), process::process(&visit.clock, &known)))
        })
        .await
}
