//! What stands around us, as the pages of triage and integrations tell it: sources, dependencies, carriers, targets, and
//! what was changed in the set-up.

use actix_web::{HttpRequest, web};
use chrono::Utc;
use serde_json::{Value, json};
use twox_hash::XxHash64;

use super::answer::ok;
use super::replays::{replays, time};
use super::{Answer, Shared, limit, query, tenant};
use crate::pages::integrations::{dependency_health, judged};
use crate::pages::params::Query;
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

/// A page of rows that are known by their names, in the order of these: few enough to be read at once.
fn listed(query: &Query, rows: impl IntoIterator<Item = (String, Value)>) -> Answer {
    let limit = limit(query)?;
    let rows: Vec<(String, Value)> = rows.into_iter().collect();
    let total = rows.len();
    let (items, next) = behind(rows, query.get("after").unwrap_or_default(), limit as usize);
    ok(&json!({"items": items, "next": next, "total": total}))
}

/// What stands behind a name, and the name behind which there is more.
fn behind(mut rows: Vec<(String, Value)>, after: &str, limit: usize) -> (Vec<Value>, Option<String>) {
    rows.retain(|(name, _)| name.as_str() > after);
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(name, _)| name.clone());
    (rows.into_iter().map(|(_, row)| row).collect(), next)
}

/// The later, the earlier in the order of names; what happened at one moment is told apart by its words.
fn latest_first(at_ms: i64, what: &str) -> String {
    format!("{:016x}{:016x}", u64::MAX - at_ms.max(0) as u64, XxHash64::oneshot(0, what.as_bytes()))
}

async fn sources(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let query = query(&request, &["after", "limit"])?;
    let now_ms = Utc::now().timestamp_millis();
    let clock = Clock::utc(now_ms);
    let (found, usual) =
        tokio::try_join!(desk.store.sources_as_of(&tenant, now_ms), desk.store.source_usual(&tenant, now_ms))?;
    let told = found.iter().map(|source| {
        let (badge, why) = judged(&clock, source, &usual);
        let band = crate::pages::integrations::usual_of(&usual, &source.source);
        let row = json!({
            "source": source.source, "system": source.system, "state": badge.word.to_lowercase(), "why": why,
            "last_at": time(source.last_ms), "usual_gap_ms": source.usual_gap_ms, "forms": source.forms,
            "contracts": source.contracts, "lag_now_p50_ms": ms_of(source.now_lag_p50),
            "hour": {
                "events": source.hour_events, "records": source.hour_records, "refused": source.hour_refused,
                "duplicates": source.hour_duplicates, "late": source.hour_late, "from_the_future": source.hour_ahead,
                "lag_events": source.hour_lagged, "lag_p50_ms": ms_of(source.hour_lag_p50), "lag_p95_ms": ms_of(source.hour_lag_p95),
                "usual": band.map(|(low, high)| json!({"least": low, "most": high})),
            },
            "day": {"events": source.day_events, "records": source.day_records, "refused": source.day_refused},
        });
        (source.source.clone(), row)
    });
    listed(&query, told)
}

async fn dependencies(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let query = query(&request, &["after", "limit"])?;
    let found = desk.store.dependencies(&tenant, Utc::now().timestamp_millis()).await?;
    let told = found.iter().map(|one| {
        let (badge, why) = dependency_health(one);
        let row = json!({
            "dependency": one.dependency, "callers": one.callers, "state": badge.word.to_lowercase(), "why": why,
            "last_at": time(one.last_ms),
            "hour": {"calls": one.hour_calls, "failed": one.hour_errors, "took_p50_ms": ms_of(one.hour_p50), "took_p95_ms": ms_of(one.hour_p95)},
            "day": {"calls": one.day_calls, "failed": one.day_errors, "took_p95_ms": ms_of(one.day_p95)},
        });
        (one.dependency.clone(), row)
    });
    listed(&query, told)
}

async fn carriers(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let query = query(&request, &["after", "limit"])?;
    let told = desk.store.carriers(&tenant).await?.into_iter().map(|one| {
        let row = json!({"carrier": one.carrier, "open": one.open, "breached": one.breached, "at_risk": one.at_risk,
            "on_the_way": one.on_the_way, "last_at": time(one.last_ms)});
        (one.carrier, row)
    });
    listed(&query, told)
}

async fn targets(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let query = query(&request, &["after", "limit"])?;
    let told = replays(&desk)?.targets.of(&tenant).into_iter().map(|target| {
        let row = json!({"name": target.key, "title": target.title, "url": target.url.to_string(), "method": target.method.as_str(),
            "fallback": target.fallback, "own": target.own.is_some()});
        (target.key.clone(), row)
    });
    listed(&query, told)
}

async fn changes(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    let query = query(&request, &["after", "limit"])?;
    let found = desk.changes(&tenant, Utc::now().timestamp_millis() - 7 * DAY_MS).await?;
    let told = found.iter().map(|change| {
        (latest_first(change.at_ms, &change.what), json!({"at": time(change.at_ms), "what": change.what}))
    });
    listed(&query, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_by_page_every_row_comes_once_in_the_order_of_names() {
        let rows = || ["c", "a", "e", "b", "d"].map(|name| (name.to_owned(), json!(name))).to_vec();
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let (items, next) = behind(rows(), &after, 2);
            seen.extend(items);
            let Some(next) = next else { break };
            after = next;
        }
        assert_eq!(json!(seen), json!(["a", "b", "c", "d", "e"]));
        assert_eq!(behind(rows(), "", 5).1, None, "a full page that is the last one leads nowhere");
    }

    #[test]
    fn changes_stand_the_latest_first() {
        let mut names = [latest_first(1, "a"), latest_first(9, "b"), latest_first(9, "c"), latest_first(5, "d")];
        let wanted = [names[1].clone(), names[2].clone(), names[3].clone(), names[0].clone()];
        names.sort();
        assert_eq!(names[2..], wanted[2..]);
        assert_ne!(names[0], names[1], "two of one moment are two");
    }
}
