//! How everybody around us is doing: sources by their last sign of life against what is usual, errors, lag and contract
//! versions; carriers by how their transports stand; systems that others call by how many calls fail and how long they
//! take. Healthy is only what is known to be.

pub mod chart;
pub mod one;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::desk::Desk;
use super::problem::Trouble;
use super::render::Page;
use super::routes::{redirect, told};
use super::status::{self, Badge};
use super::time::{Clock, Time};
use super::visit::{Label, Visit};
use super::words;
use crate::store::rows::ms_of;
use crate::store::{CarrierSummary, DependencySummary, SourceSummary, UsualHour};

const BARS_W: f64 = 150.0;
const BARS_H: f64 = 28.0;
/// Late by this much on average is delayed; by this much, old events are being loaded. A larger share of refusals is
/// erroring.
const LAG_MS: i64 = 5 * 60_000;
/// What is older when it comes says nothing about how fast the way is.
const LIVE_MS: i64 = 6 * 3_600_000;
const REFUSED_SHARE: f64 = 0.05;
const MINUTE: i64 = 60_000;

/// Fewer calls than this say nothing about a dependency.
const FEW_CALLS: u64 = 5;
/// Fewer events than this in an hour are no rate that could be missed.
const FEW_EVENTS: u64 = 5;

pub fn configure(cfg: &mut web::ServiceConfig) {
    type Shared = web::Data<Desk>;
    cfg.route("/integrations", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, show)))
        .route("/sources", web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, moved)))
        .route(
            "/integrations/source/{name:.*}",
            web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, one::show_source)),
        )
        .route(
            "/integrations/dependency/{name:.*}",
            web::get().to(|desk: Shared, request: HttpRequest| told(desk, request, one::show_dependency)),
        );
}

#[derive(Debug, Serialize)]
pub struct Integrations {
    pub rows: Vec<Row>,
    pub carriers: Vec<CarrierRow>,
    pub dependencies: Vec<DependencyRow>,
    pub bars_width: f64,
    pub bars_height: f64,
    pub summary: String,
}

impl Page for Integrations {
    const TEMPLATE: &'static str = "integrations.html";
}

/// A carrier: late or not.
#[derive(Debug, Serialize)]
pub struct CarrierRow {
    pub key: String,
    pub href: String,
    pub badge: Badge,
    pub open: String,
    pub on_the_way: String,
    pub breached: String,
    pub at_risk: String,
    pub last: Option<Time>,
}

/// A system that others call.
#[derive(Debug, Serialize)]
pub struct DependencyRow {
    pub key: String,
    pub href: String,
    pub badge: Badge,
    pub why: String,
    pub callers: String,
    pub calls: String,
    pub day: String,
    pub errors: String,
    pub errors_tone: &'static str,
    pub took: String,
    pub last: Time,
    pub bars: Vec<Bar>,
    pub bars_text: String,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub key: String,
    pub system: String,
    pub tone: &'static str,
    pub badge: Badge,
    pub why: String,
    pub last: Time,
    pub usual: String,
    pub hour: String,
    pub day: String,
    pub refused: String,
    pub refused_tone: &'static str,
    pub duplicates: String,
    pub lag: String,
    pub lag_max: String,
    /// Why not every event tells a lag; empty where each does.
    pub lag_told: String,
    /// How late it is now.
    pub lag_now: String,
    pub contracts: Vec<String>,
    pub forms: String,
    pub bars: Vec<Bar>,
    pub bars_text: String,
    pub href: String,
    pub failures: String,
    /// What it sends at this hour on other days.
    pub expected: String,
    pub late: String,
    pub clock: String,
}

#[derive(Debug, Serialize)]
pub struct Bar {
    pub x: f64,
    pub y: f64,
    pub height: f64,
    pub bad: f64,
    /// The running minute.
    pub open: bool,
}

/// Everybody that was heard of.
#[derive(Clone, Copy, Default)]
pub struct Found<'a> {
    pub sources: &'a [SourceSummary],
    pub usual: &'a [UsualHour],
    pub carriers: &'a [CarrierSummary],
    pub dependencies: &'a [DependencySummary],
}

pub fn integrations(tenant: &str, clock: &Clock, found: Found<'_>) -> Integrations {
    let rows = rows(tenant, clock, found);
    let dependencies = dependency_rows(tenant, clock, found.dependencies);
    let loud =
        rows.iter().filter(|row| row.badge.loud).count() + dependencies.iter().filter(|row| row.badge.loud).count();
    let summary = format!(
        "{}, {}, {} needing attention.",
        words::plural(rows.len() as u64, "source", "sources"),
        words::plural(dependencies.len() as u64, "dependency", "dependencies"),
        words::count(loud as u64)
    );
    Integrations {
        rows,
        carriers: found.carriers.iter().map(|carrier| carrier_row(tenant, clock, carrier)).collect(),
        dependencies,
        bars_width: BARS_W,
        bars_height: BARS_H,
        summary,
    }
}

/// Sources, the worst first, then in the order in which work flows.
pub fn rows(tenant: &str, clock: &Clock, found: Found<'_>) -> Vec<Row> {
    let mut rows: Vec<Row> = found.sources.iter().map(|source| row(tenant, clock, source, found.usual)).collect();
    rows.sort_by_key(|row| (status::rank(&row.badge), words::system_rank(&row.system.to_lowercase()), row.key.clone()));
    rows
}

pub fn dependency_rows(tenant: &str, clock: &Clock, found: &[DependencySummary]) -> Vec<DependencyRow> {
    let mut rows: Vec<DependencyRow> = found.iter().map(|one| dependency_row(tenant, clock, one)).collect();
    rows.sort_by_key(|row| (status::rank(&row.badge), row.key.clone()));
    rows
}

fn carrier_row(tenant: &str, clock: &Clock, carrier: &CarrierSummary) -> CarrierRow {
    let badge = match carrier {
        CarrierSummary { breached: 1.., .. } => status::LATE,
        CarrierSummary { at_risk: 1.., .. } => status::workflow("at_risk"),
        _ => status::ON_TIME,
    };
    CarrierRow {
        key: carrier.carrier.clone(),
        href: words::tenant_path(tenant, &format!("workflows?carrier={}", words::encode(&carrier.carrier))),
        badge,
        open: words::count(carrier.open),
        on_the_way: words::count(carrier.on_the_way),
        breached: words::count(carrier.breached),
        at_risk: words::count(carrier.at_risk),
        last: (carrier.last_ms > 0).then(|| clock.time(carrier.last_ms)),
    }
}

/// The state of a dependency, and why.
pub fn dependency_health(found: &DependencySummary) -> (Badge, String) {
    let share = found.hour_errors as f64 / found.hour_calls.max(1) as f64;
    if found.hour_calls < FEW_CALLS {
        return (status::UNKNOWN, "too few calls in the last hour".into());
    }
    if share > REFUSED_SHARE && found.hour_errors >= 3 {
        return (status::ERRORING, format!("{:.0} % of calls fail", share * 100.0));
    }
    // Twice as slow as on this day as a whole: eight sizes are two doublings, four are one.
    if found.hour_p95 > found.day_p95.saturating_add(4) && ms_of(found.hour_p95) > 500 {
        return (status::DELAYED, format!("calls take up to {}", words::duration(ms_of(found.hour_p95))));
    }
    (status::HEALTHY, String::new())
}

pub fn dependency_row(tenant: &str, clock: &Clock, found: &DependencySummary) -> DependencyRow {
    let (badge, why) = dependency_health(found);
    let percent = found.hour_errors as f64 * 100.0 / found.hour_calls.max(1) as f64;
    DependencyRow {
        key: found.dependency.clone(),
        href: words::tenant_path(tenant, &format!("integrations/dependency/{}", words::encode(&found.dependency))),
        badge,
        why,
        callers: found.callers.join(", "),
        calls: words::count(found.hour_calls),
        day: words::count(found.day_calls),
        errors: if found.hour_errors == 0 {
            "0".into()
        } else {
            format!("{} ({percent:.1} %)", words::count(found.hour_errors))
        },
        errors_tone: if found.hour_errors > 0 { "crit" } else { "" },
        took: if found.hour_calls == 0 {
            "–".into()
        } else {
            format!("{} / {}", words::duration(ms_of(found.hour_p50)), words::duration(ms_of(found.hour_p95)))
        },
        last: clock.time(found.last_ms),
        bars: bars(&found.series, &found.error_series, false),
        bars_text: format!("{} in the last 60 minutes", words::plural(found.series.iter().sum(), "call", "calls")),
    }
}

/// The least and the most at this hour on the same weekdays, or where those are too few on the days before.
pub fn usual_of(usual: &[UsualHour], source: &str) -> Option<(u64, u64)> {
    let hour = usual.iter().find(|hour| hour.source == source)?;
    let counts = if hour.weeks.len() >= 2 { &hour.weeks } else { &hour.days_before };
    let (low, high) = (counts.iter().min()?, counts.iter().max()?);
    (counts.len() >= 2).then_some((*low, *high))
}

pub fn usual_words(usual: &[UsualHour], source: &str) -> String {
    match usual_of(usual, source) {
        Some((low, high)) => format!("{} to {}", words::count(low), words::count(high)),
        None => "–".into(),
    }
}

/// The state, and why.
pub fn health(clock: &Clock, source: &SourceSummary) -> (Badge, String) {
    let age = clock.now_ms - source.last_ms;
    let share = source.hour_refused as f64 / (source.hour_records + source.hour_refused).max(1) as f64;
    if source.usual_gap_ms > 0 && age > (3 * source.usual_gap_ms).max(3 * MINUTE) {
        let why =
            format!("{} without a word, usually at most {}", words::about(age), words::about(source.usual_gap_ms));
        return (status::SILENT, why);
    }
    if share > REFUSED_SHARE && source.hour_refused > 0 {
        return (status::ERRORING, format!("{:.0} % of the last hour refused", share * 100.0));
    }
    let lag = ms_of(source.now_lag_p50);
    if (LAG_MS..LIVE_MS).contains(&lag) {
        return (status::DELAYED, format!("events come about {} late", words::about(lag)));
    }
    if source.usual_gap_ms == 0 {
        return (status::UNKNOWN, "not enough seen yet to know what is usual".into());
    }
    let history = lag >= LIVE_MS || source.hour_lag_avg_ms >= LAG_MS;
    (status::HEALTHY, if history { "old events were loaded".into() } else { String::new() })
}

pub fn row(tenant: &str, clock: &Clock, source: &SourceSummary, usual: &[UsualHour]) -> Row {
    let (badge, why) = judged(clock, source, usual);
    // Nothing came, or only history that somebody loaded.
    let only_history = (source.hour_events > 0 && source.hour_lagged == 0) || ms_of(source.now_lag_p50) >= LIVE_MS;
    let lagless = source.hour_events == 0 || only_history;
    let percent = source.hour_refused as f64 * 100.0 / (source.hour_records + source.hour_refused).max(1) as f64;
    let mut contracts = source.contracts.clone();
    contracts.sort();
    Row {
        key: source.source.clone(),
        system: words::system(&source.system),
        tone: words::lane(&source.system),
        badge,
        why,
        last: clock.time(source.last_ms),
        usual: if source.usual_gap_ms > 0 {
            format!("usually ≤ {}", words::about(source.usual_gap_ms))
        } else {
            "no rhythm yet".into()
        },
        hour: words::count(source.hour_records),
        day: words::count(source.day_records),
        refused: if source.hour_refused == 0 {
            "0".into()
        } else {
            format!("{} ({percent:.1} %)", words::count(source.hour_refused))
        },
        refused_tone: if source.hour_refused > 0 { "crit" } else { "" },
        duplicates: words::count(source.hour_duplicates),
        lag: if lagless { "–".into() } else { words::duration(ms_of(source.hour_lag_p50)) },
        lag_now: match (source.hour_events, only_history) {
            (0, _) => "nothing in the hour".into(),
            (_, true) => "no live events".into(),
            (_, false) => format!("{} lag", words::duration(ms_of(source.now_lag_p50))),
        },
        lag_max: match (lagless, source.hour_events.saturating_sub(source.hour_lagged)) {
            (true, _) => String::new(),
            (_, 0) => format!("p95 {}", words::duration(ms_of(source.hour_lag_p95))),
            (_, _) => {
                let told = words::count(source.hour_lagged);
                format!("p95 {} of {told}", words::duration(ms_of(source.hour_lag_p95)))
            }
        },
        lag_told: match source.hour_events.saturating_sub(source.hour_lagged) {
            0 => String::new(),
            untold => format!("{} came as history and tell no lag", words::plural(untold, "event", "events")),
        },
        contracts,
        forms: source.forms.join(", "),
        bars: bars(&source.series, &source.refused_series, true),
        href: words::tenant_path(tenant, &format!("integrations/source/{}", words::encode(&source.source))),
        expected: usual_words(usual, &source.source),
        late: if source.hour_late == 0 {
            String::new()
        } else {
            format!("{:.0} %", (source.hour_late as f64 * 100.0 / source.hour_lagged.max(1) as f64).max(1.0))
        },
        clock: if source.hour_ahead == 0 {
            String::new()
        } else {
            format!("clock ahead up to {}", words::duration(source.hour_ahead_max_ms))
        },
        bars_text: format!("{} in the last 60 minutes", words::plural(source.series.iter().sum(), "event", "events")),
        failures: words::tenant_path(tenant, &format!("failures?source={}", words::encode(&source.source))),
    }
}

/// `apart`: what is bad comes on top of what is good, else it is a part of it.
fn bars(series: &[u64], bad: &[u64], apart: bool) -> Vec<Bar> {
    let step = BARS_W / 60.0;
    let bad_at = |at: usize| bad.get(at).copied().unwrap_or(0);
    let more_at = |at: usize| if apart { bad_at(at) } else { 0 };
    let most = series.iter().enumerate().map(|(at, n)| n + more_at(at)).max().unwrap_or(0).max(1) as f64;
    let height = |n: u64| if n == 0 { 0.0 } else { (n as f64 / most * BARS_H).max(1.0) };
    let round = |x: f64| (x * 10.0).round() / 10.0;
    series
        .iter()
        .take(60)
        .enumerate()
        .map(|(at, n)| {
            let (all, bad) = (height(n + more_at(at)), height(bad_at(at)));
            Bar {
                x: round(at as f64 * step),
                y: round(BARS_H - all),
                height: round(all),
                bad: round(bad),
                open: at == 59,
            }
        })
        .collect()
}

/// Health, with what is usual at this hour.
pub fn judged(clock: &Clock, source: &SourceSummary, usual: &[UsualHour]) -> (Badge, String) {
    let (badge, why) = health(clock, source);
    match usual_of(usual, &source.source) {
        Some((low, _)) if source.hour_events == 0 && low >= FEW_EVENTS && badge != status::SILENT => {
            (status::SILENT, format!("nothing this hour, usually at least {}", words::count(low)))
        }
        Some((low, _)) if source.hour_events * 2 < low && low >= FEW_EVENTS && !badge.loud => (
            status::BELOW,
            format!("{} this hour, usually at least {}", words::count(source.hour_events), words::count(low)),
        ),
        _ => (badge, why),
    }
}

async fn moved(_desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    Ok(redirect(&words::tenant_path(&super::routes::part(request, "tenant"), "integrations")))
}

async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &["as_of"]).await?;
    let (tenant, now_ms) = (visit.tenant.as_str(), visit.clock.now_ms);
    visit
        .show(desk, async {
            let (sources, usual, carriers, dependencies) = tokio::try_join!(
                desk.store.sources_as_of(tenant, now_ms),
                desk.store.source_usual(tenant, now_ms),
                desk.store.carriers(tenant),
                desk.store.dependencies(tenant, now_ms),
            )?;
            let found = Found { sources: &sources, usual: &usual, carriers: &carriers, dependencies: &dependencies };
            let page = integrations(tenant, &visit.clock, found);
            Ok((Label::new("integrations", "Integrations", "sources"), page))
        })
        .await
}
