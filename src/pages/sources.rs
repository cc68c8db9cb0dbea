//! How each sender is doing: last sign of life against what is usual, errors, lag, contract versions.
//! A source is healthy only when that is known.

use serde::Serialize;

use super::render::Page;
use super::status::{self, Badge};
use super::time::{Clock, Time};
use super::words;
use crate::store::SourceSummary;

const BARS_W: f64 = 150.0;
const BARS_H: f64 = 28.0;
/// Late by this much on average is delayed; by this much, old events are being loaded. A larger share of refusals is
/// erroring.
const LAG_MS: i64 = 5 * 60_000;
const HISTORY_MS: i64 = 86_400_000;
const REFUSED_SHARE: f64 = 0.05;
const MINUTE: i64 = 60_000;

#[derive(Debug, Serialize)]
pub struct Sources {
    pub rows: Vec<Row>,
    pub bars_width: f64,
    pub bars_height: f64,
    pub summary: String,
}

impl Page for Sources {
    const TEMPLATE: &'static str = "sources.html";
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
    pub contracts: Vec<String>,
    pub forms: String,
    pub bars: Vec<Bar>,
    pub bars_text: String,
    pub failures: String,
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

pub fn sources(tenant: &str, clock: &Clock, found: &[SourceSummary]) -> Sources {
    let mut rows: Vec<Row> = found.iter().map(|source| row(tenant, clock, source)).collect();
    rows.sort_by(|a, b| {
        let rank =
            |row: &Row| (status::rank(&row.badge), words::system_rank(&row.system.to_lowercase()), row.key.clone());
        rank(a).cmp(&rank(b))
    });
    let sick = rows.iter().filter(|row| row.badge.loud).count() as u64;
    let summary =
        format!("{}, {} needing attention.", words::plural(rows.len() as u64, "source", "sources"), words::count(sick));
    Sources { rows, bars_width: BARS_W, bars_height: BARS_H, summary }
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
    if (LAG_MS..HISTORY_MS).contains(&source.hour_lag_avg_ms) {
        return (status::DELAYED, format!("events come {} late on average", words::about(source.hour_lag_avg_ms)));
    }
    if source.usual_gap_ms == 0 {
        return (status::UNKNOWN, "not enough seen yet to know what is usual".into());
    }
    let history = source.hour_lag_avg_ms >= HISTORY_MS;
    (status::HEALTHY, if history { "old events were loaded".into() } else { String::new() })
}

fn row(tenant: &str, clock: &Clock, source: &SourceSummary) -> Row {
    let (badge, why) = health(clock, source);
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
            "usual pace not known".into()
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
        lag: if source.hour_events == 0 { "–".into() } else { words::duration(source.hour_lag_avg_ms) },
        lag_max: if source.hour_events == 0 { String::new() } else { words::duration(source.hour_lag_max_ms) },
        contracts,
        forms: source.forms.join(", "),
        bars: bars(source),
        bars_text: format!("{} in the last 60 minutes", words::plural(source.series.iter().sum(), "event", "events")),
        failures: words::tenant_path(tenant, &format!("failures?source={}", words::encode(&source.source))),
    }
}

fn bars(source: &SourceSummary) -> Vec<Bar> {
    let step = BARS_W / 60.0;
    let bad_at = |at: usize| source.refused_series.get(at).copied().unwrap_or(0);
    let most = source.series.iter().enumerate().map(|(at, n)| n + bad_at(at)).max().unwrap_or(0).max(1) as f64;
    let height = |n: u64| if n == 0 { 0.0 } else { (n as f64 / most * BARS_H).max(1.0) };
    let round = |x: f64| (x * 10.0).round() / 10.0;
    source
        .series
        .iter()
        .take(60)
        .enumerate()
        .map(|(at, n)| {
            let (all, bad) = (height(n + bad_at(at)), height(bad_at(at)));
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
