//! What stands around us, as the pages of triage and integrations tell it: sources, dependencies, carriers, targets, and
//! what was changed in the set-up.

use actix_web::{HttpRequest, web};
use chrono::Utc;
use serde_json::{Value, json};

use super::answer::ok;
use super::replays::{replays, time};
use super::{Answer, Shared, query, tenant};
use crate::pages::integrations::{dependency_health, judged};
use crate::pages::time::Clock;
use crate::store::rows::ms_of;

const DAY_MS: i64 = 86_400_000;

pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/sources", web::get().to(sources))
        .route("/dependencies", web::get().to(dependencies))
        .route("/carriers", web::get().to(carriers))
        .route("/targets", web::get().to(targets))
        .route("/changes", web::get().to(changes));
}

fn listed(items: Vec<Value>) -> Answer {
    ok(&json!({"items": items, "next": null}))
}

async fn sources(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    query(&request, &[])?;
    let now_ms = Utc::now().timestamp_millis();
    let clock = Clock::utc(now_ms);
    let (found, usual) =
        tokio::try_join!(desk.store.sources_as_of(&tenant, now_ms), desk.store.source_usual(&tenant, now_ms))?;
    let told = found.iter().map(|source| {
        let (badge, why) = judged(&clock, source, &usual);
        let band = crate::pages::integrations::usual_of(&usual, &source.source);
        json!({
            "source": source.source, "system": source.system, "state": badge.word.to_lowercase(), "why": why,
            "last_at": time(source.last_ms), "usual_gap_ms": source.usual_gap_ms, "forms": source.forms,
            "contracts": source.contracts, "lag_now_p50_ms": ms_of(source.now_lag_p50),
            "hour": {
                "events": source.hour_events, "records": source.hour_records, "refused": source.hour_refused,
                "duplicates": source.hour_duplicates, "late": source.hour_late, "from_the_future": source.hour_ahead,
                "lag_p50_ms": ms_of(source.hour_lag_p50), "lag_p95_ms": ms_of(source.hour_lag_p95),
                "usual": band.map(|(low, high)| json!({"least": low, "most": high})),
            },
            "day": {"events": source.day_events, "records": source.day_records, "refused": source.day_refused},
        })
    });
    listed(told.collect())
}

async fn dependencies(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    query(&request, &[])?;
    let found = desk.store.dependencies(&tenant, Utc::now().timestamp_millis()).await?;
    let told = found.iter().map(|one| {
        let (badge, why) = dependency_health(one);
        json!({
            "dependency": one.dependency, "callers": one.callers, "state": badge.word.to_lowercase(), "why": why,
            "last_at": time(one.last_ms),
            "hour": {"calls": one.hour_calls, "failed": one.hour_errors, "took_p50_ms": ms_of(one.hour_p50), "took_p95_ms": ms_of(one.hour_p95)},
            "day": {"calls": one.day_calls, "failed": one.day_errors, "took_p95_ms": ms_of(one.day_p95)},
        })
    });
    listed(told.collect())
}

async fn carriers(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    query(&request, &[])?;
    let told = desk.store.carriers(&tenant).await?.into_iter().map(|one| {
        json!({"carrier": one.carrier, "open": one.open, "breached": one.breached, "at_risk": one.at_risk,
            "on_the_way": one.on_the_way, "last_at": time(one.last_ms)})
    });
    listed(told.collect())
}

async fn targets(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    query(&request, &[])?;
    let told = replays(&desk)?.targets.of(&tenant).into_iter().map(|target| {
        json!({"name": target.key, "title": target.title, "url": target.url.to_string(), "method": target.method.as_str(),
            "fallback": target.fallback, "own": target.own.is_some()})
    });
    listed(told.collect())
}

async fn changes(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    query(&request, &[])?;
    let found = desk.changes(&tenant, Utc::now().timestamp_millis() - 7 * DAY_MS).await?;
    listed(found.iter().rev().map(|change| json!({"at": time(change.at_ms), "what": change.what})).collect())
}
