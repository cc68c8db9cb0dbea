//! How the work of one definition goes: how long each stage takes, how promises were kept week by week, what made it
//! late, which ways workflows take, and where they are slow.

use serde::Serialize;

use super::super::render::Page;
use super::super::time::Clock;
use super::super::words;
use super::charts::{self, Level, Weeks};
use super::{DAY_MS, DAYS, WEEKS, policy};
use crate::domain::Definition;
use crate::store::{LateCause, PolicyDay, SlowPlace, StageDuration, Variant};

#[derive(Debug, Serialize)]
pub struct Process {
    pub flows: Vec<Flow>,
    pub stages: Vec<Stage>,
    pub stages_said: String,
    pub weeks: Weeks,
    pub causes: Vec<Level>,
    pub ways: Vec<Way>,
    pub ways_said: String,
    pub slow: Vec<Slow>,
    pub forecast: String,
    pub days: i64,
    pub nothing: bool,
}

impl Page for Process {
    const TEMPLATE: &'static str = "slas/process.html";
}

#[derive(Debug, Serialize)]
pub struct Flow {
    pub title: String,
    pub href: String,
    pub active: bool,
}

#[derive(Debug, Serialize)]
pub struct Stage {
    pub title: String,
    pub p50: String,
    pub p95: String,
    /// On a scale on which ten times as long is a step further.
    pub x50: f64,
    pub x95: f64,
    pub count: String,
    pub share: String,
    /// Takes most of the time of all.
    pub narrow: bool,
}

#[derive(Debug, Serialize)]
pub struct Way {
    pub steps: String,
    pub count: String,
    pub share: String,
    pub width: f64,
    pub p50: String,
    pub p95: String,
    /// What it leaves out or does in another order than the most frequent one.
    pub differs: String,
}

#[derive(Debug, Serialize)]
pub struct Slow {
    pub step: String,
    pub place: String,
    pub p95: String,
    pub usual: String,
    pub times: String,
    pub count: String,
}

pub struct Known<'a> {
    pub tenant: &'a str,
    pub definition: &'a Definition,
    /// Key, title of all definitions.
    pub all: Vec<(String, String)>,
    pub days: &'a [PolicyDay],
    pub stages: &'a [StageDuration],
    pub places: &'a [SlowPlace],
    pub causes: &'a [LateCause],
    pub ways: &'a [Variant],
    /// How good forecasts were, in a sentence.
    pub forecast: String,
}

pub fn process(clock: &Clock, known: &Known<'_>) -> Process {
    let definition = known.definition;
    let title = |key: &str| title(definition, key);
    let place = |key: &str| definition.milestones.iter().position(|m| m.key == key);
    let today = clock.now_ms.div_euclid(DAY_MS);
    let targets: Vec<f64> = definition.slas.iter().map(policy::share).collect();
    let target = if targets.is_empty() { 0.95 } else { targets.iter().sum::<f64>() / targets.len() as f64 };
    let total: i64 = known.stages.iter().map(|s| s.total_ms).sum();
    let widest = known.stages.iter().map(|s| s.total_ms).max();
    let mut stages: Vec<&StageDuration> = known.stages.iter().collect();
    stages.sort_by_key(|s| place(&s.step));
    let stage = |s: &&StageDuration| Stage {
        title: title(&s.step),
        p50: words::duration(s.p50_ms),
        p95: words::duration(s.p95_ms),
        x50: log(s.p50_ms),
        x95: log(s.p95_ms),
        count: words::count(s.count),
        share: charts::percent(s.total_ms.max(0) as u64, total.max(0) as u64),
        narrow: Some(s.total_ms) == widest,
    };
    let stages: Vec<Stage> = stages.iter().map(stage).collect();
    let all_ways = known.ways.first().map_or(0, |w| w.total);
    let usual = known.ways.first().map(|w| w.way.clone()).unwrap_or_default();
    let most = known.ways.first().map_or(0, |w| w.count);
    let way = |w: &Variant| Way {
        steps: w.way.iter().map(|s| title(s)).collect::<Vec<_>>().join(" → "),
        count: words::count(w.count),
        share: charts::percent(w.count, all_ways),
        width: charts::part(w.count as i64, most as i64),
        p50: words::duration(w.p50_ms),
        p95: words::duration(w.p95_ms),
        differs: differs(&usual, &w.way, title),
    };
    let list = |cause: &str| {
        let query = format!(
            "slas/breaches?state=late&definition={}&cause={}",
            words::encode(&definition.key),
            words::encode(cause)
        );
        words::tenant_path(known.tenant, &query)
    };
    Process {
        flows: known
            .all
            .iter()
            .map(|(key, title)| Flow {
                title: title.clone(),
                href: words::tenant_path(known.tenant, &format!("process?flow={}", words::encode(key))),
                active: *key == definition.key,
            })
            .collect(),
        stages_said: match stages.iter().find(|s| s.narrow) {
            Some(narrow) => format!("Most of the time goes into “{}”: {} of all waiting.", narrow.title, narrow.share),
            None => "Nothing has moved in this time.".into(),
        },
        nothing: stages.is_empty() && known.days.is_empty(),
        stages,
        weeks: charts::weeks(known.days.iter().filter(|d| d.definition == definition.key), today, WEEKS, target),
        causes: policy::causes(known.causes, list),
        ways_said: match known.ways.len() {
            0 => "None is complete yet.".into(),
            _ => format!(
                "{} of {} went the usual way.",
                charts::percent(most, all_ways),
                words::plural(all_ways, "workflow", "workflows")
            ),
        },
        ways: known.ways.iter().map(way).collect(),
        slow: slow(known, title),
        forecast: known.forecast.clone(),
        days: DAYS,
    }
}

fn title(definition: &Definition, key: &str) -> String {
    definition.milestones.iter().find(|m| m.key == key).map_or_else(|| words::title(key), |m| m.title.clone())
}

/// A second is at the left edge, a hundred days at the right one.
fn log(ms: i64) -> f64 {
    let decades = (ms.max(1_000) as f64 / 1_000.0).log10();
    (decades / 7.0 * charts::LEVEL_WIDTH * 10.0).round() / 10.0
}

/// Places where a step takes much longer than it usually does.
fn slow(known: &Known<'_>, title: impl Fn(&str) -> String) -> Vec<Slow> {
    let mut found: Vec<(f64, Slow)> = Vec::new();
    for place in known.places {
        let Some(usual) = known.stages.iter().find(|s| s.step == place.step) else { continue };
        let times = place.p50_ms as f64 / usual.p50_ms.max(1_000) as f64;
        if place.p50_ms < 60_000 || times < 1.3 {
            continue;
        }
        let row = Slow {
            step: title(&place.step),
            place: format!("{} {}", words::title(&place.kind), place.place),
            p95: words::duration(place.p95_ms),
            usual: format!("{} instead of {}", words::duration(place.p50_ms), words::duration(usual.p50_ms)),
            times: format!("{:.1} ×", times),
            count: words::count(place.count),
        };
        found.push((times, row));
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().take(8).map(|(_, row)| row).collect()
}

fn differs(usual: &[String], way: &[String], title: impl Fn(&str) -> String) -> String {
    if usual == way {
        return "the usual way".into();
    }
    let missing: Vec<String> = usual.iter().filter(|s| !way.contains(s)).map(|s| title(s)).collect();
    let added: Vec<String> = way.iter().filter(|s| !usual.contains(s)).map(|s| title(s)).collect();
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("without {}", missing.join(", ")));
    }
    if !added.is_empty() {
        parts.push(format!("with {}", added.join(", ")));
    }
    if parts.is_empty() { "in another order".into() } else { parts.join("; ") }
}
