//! One policy: its terms and cases, how a clock that is set now would run, how it was kept, why it was not, and what
//! other terms would have made of the last weeks.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::super::params::Query;
use super::super::render::Page;
use super::super::time::Clock;
use super::super::words;
use super::charts::{self, Level, Weeks};
use super::{DAY_MS, DAYS, Kept, WEEKS, breaches, tone, way};
use crate::domain::{
    Allowance, Calendar, Definition, Definitions, Limit, Reckoning, SlaRule, Stop, Traits, Warn, allowance,
};
use crate::store::rows::SlaRow;
use crate::store::{LateCause, PastClock, PolicyDay};

#[derive(Debug, Serialize)]
pub struct Policy {
    pub way: String,
    pub kind: &'static str,
    pub file: String,
    pub cases: Vec<CaseRow>,
    pub pauses: String,
    pub attained: String,
    pub of: String,
    pub target: String,
    pub tone: &'static str,
    pub weeks: Weeks,
    pub causes: Vec<Level>,
    pub late: Vec<breaches::Row>,
    pub list: String,
    pub trial: Option<Trial>,
}

impl Page for Policy {
    const TEMPLATE: &'static str = "slas/policy.html";
}

#[derive(Debug, Serialize)]
pub struct CaseRow {
    pub key: String,
    pub applies: String,
    pub limit: String,
    pub calendar: String,
    pub warn: String,
    /// A clock that is set now, reckoned out.
    pub now: String,
}

/// Other terms, and what they would have made of the clocks of the last days.
#[derive(Debug, Default, Serialize)]
pub struct Trial {
    pub within: String,
    pub warn: String,
    pub calendar: String,
    pub calendars: Vec<(String, String, bool)>,
    pub fault: String,
    pub rows: Vec<TrialRow>,
    pub summary: String,
    pub warning: String,
}

#[derive(Debug, Serialize)]
pub struct TrialRow {
    pub title: &'static str,
    pub before: String,
    pub after: String,
    pub change: String,
}

pub struct Known<'a> {
    pub tenant: &'a str,
    pub definitions: &'a Definitions,
    pub definition: &'a Definition,
    pub policy: &'a str,
    pub days: &'a [PolicyDay],
    pub causes: &'a [LateCause],
    pub late: &'a [SlaRow],
    pub history: &'a [PastClock],
    pub query: &'a Query,
}

/// None when there is no such policy.
pub fn policy(clock: &Clock, known: &Known<'_>) -> Option<(String, Policy)> {
    let definition = known.definition;
    let rules: Vec<&SlaRule> = definition.slas.iter().filter(|r| r.policy == known.policy).collect();
    let base = *rules.iter().find(|r| r.key == r.policy)?;
    let now = DateTime::from_timestamp_millis(clock.now_ms)?;
    let today = clock.now_ms.div_euclid(DAY_MS);
    let own = || known.days.iter().filter(|d| d.definition == definition.key && d.policy == known.policy);
    let kept = Kept::of(own().filter(|d| d.day > today - DAYS));
    let target = share(base);
    let list = |cause: &str| {
        let query =
            format!("slas/breaches?state=late&policy={}&cause={}", words::encode(known.policy), words::encode(cause));
        words::tenant_path(known.tenant, &query)
    };
    let page = Policy {
        way: way(definition, base),
        kind: base.kind.as_str(),
        file: definition.file.clone(),
        cases: rules.iter().map(|rule| case_row(rule, now)).collect(),
        pauses: base.pauses.iter().map(|p| p.title.clone()).collect::<Vec<_>>().join(", "),
        attained: kept.said(),
        of: words::count(kept.all()),
        target: format!("{} %", (target * 1000.0).round() / 10.0),
        tone: tone(kept, base),
        weeks: charts::weeks(own(), today, WEEKS, target),
        causes: causes(known.causes, list),
        late: known.late.iter().map(|row| breaches::row(known.tenant, clock, row)).collect(),
        list: words::tenant_path(known.tenant, &format!("slas/breaches?policy={}", words::encode(known.policy))),
        trial: match base.limit {
            Limit::Within(_) => Some(trial(known, base, now)),
            Limit::Promise(_) => None,
        },
    };
    Some((base.title.clone(), page))
}

pub fn share(rule: &SlaRule) -> f64 {
    rule.target.to_string().parse().unwrap_or(1.0)
}

pub fn causes(found: &[LateCause], href: impl Fn(&str) -> String) -> Vec<Level> {
    let most = found.iter().map(|c| c.count).max().unwrap_or(0);
    let all: u64 = found.iter().map(|c| c.count).sum();
    let mut before = 0;
    let level = |cause: &LateCause| {
        before += cause.count;
        Level {
            title: breaches::cause(&cause.cause),
            width: charts::part(cause.count as i64, most as i64),
            wide: 0.0,
            value: words::count(cause.count),
            also: charts::percent(before, all),
            count: words::count(cause.still_open),
            share: charts::percent(cause.count, all),
            href: href(&cause.cause),
        }
    };
    found.iter().map(level).collect()
}

fn case_row(rule: &SlaRule, now: DateTime<Utc>) -> CaseRow {
    let calendar = rule.calendar.of(&Traits::default());
    let now = match &rule.limit {
        Limit::Within(allowance) => {
            reckon(calendar, allowance, now, Vec::new(), rule.limit_said(), now).map(|r| r.told())
        }
        Limit::Promise(_) => None,
    };
    let narrowed = rule.only.said();
    CaseRow {
        key: rule.key.clone(),
        applies: if narrowed.is_empty() { "all".into() } else { narrowed },
        limit: rule.limit_said(),
        calendar: rule.calendar.said(),
        warn: rule.warn_said(),
        now: now.unwrap_or_default(),
    }
}

fn reckon(
    calendar: &Arc<Calendar>,
    allowance: &Allowance,
    start: DateTime<Utc>,
    stops: Vec<Stop>,
    words: String,
    as_of: DateTime<Utc>,
) -> Option<Reckoning> {
    Reckoning::new(calendar, start, calendar.due(start, allowance)?, stops, words, as_of)
}

/// How clocks stand under some terms.
#[derive(Clone, Copy, Default)]
struct Sum {
    met: u64,
    late: u64,
    at_risk: u64,
    running: u64,
}

fn trial(known: &Known<'_>, base: &SlaRule, now: DateTime<Utc>) -> Trial {
    let given = |name: &str| known.query.get(name).map(str::to_owned);
    let Limit::Within(terms) = &base.limit else { return Trial::default() };
    let (within, warn, calendar) = (given("within"), given("warn"), given("calendar"));
    let asked = within.is_some() || warn.is_some() || calendar.is_some();
    let own = base.calendar.otherwise.key.clone();
    let chosen = calendar.unwrap_or_else(|| own.clone());
    let calendars = known.definitions.calendars.iter();
    let mut trial = Trial {
        within: within.clone().unwrap_or_else(|| written(terms)),
        warn: warn.clone().unwrap_or_else(|| match base.warn {
            Warn::Share(share) => share.normalize().to_string(),
            Warn::Left(left) => format!("{} left", written(&Allowance::time(left))),
        }),
        calendars: calendars.map(|c| (c.key.clone(), words::capital(&c.title), c.key == chosen)).collect(),
        calendar: chosen.clone(),
        ..Trial::default()
    };
    if !asked {
        return trial;
    }
    let Some(new_terms) = allowance(&trial.within) else {
        trial.fault = format!("“{}” is no duration: 30m, 4h, 1d 12h, or 2wd for working days.", trial.within);
        return trial;
    };
    let share = match trial.warn.strip_suffix("left").map(str::trim) {
        Some(left) => allowance(left).map(|a| Warn::Left(a.time)),
        None => trial.warn.parse().ok().filter(|s| *s > rust_decimal::Decimal::ZERO).map(Warn::Share),
    };
    let (Some(new_warn), Some(new_calendar)) = (share, known.definitions.calendars.get(&chosen)) else {
        trial.fault = "Warn at a share between 0 and 1, or with a rest like “1h left”.".into();
        return trial;
    };
    let history = known.history.iter().filter(|c| c.verdict != "waived");
    let (mut before, mut after) = (Sum::default(), Sum::default());
    for past in history {
        count(&mut before, past.ended_ms, past.due_ms, None, now);
        let Some((due, warn_at)) = under(past, new_calendar, &new_terms, new_warn, now) else { continue };
        count(&mut after, past.ended_ms, due, Some(warn_at), now);
    }
    let row = |title, pick: fn(&Sum) -> u64| {
        let (a, b) = (pick(&before) as i64, pick(&after) as i64);
        let change = if a == b { "no change".into() } else { format!("{:+}", b - a) };
        TrialRow { title, before: words::count(a as u64), after: words::count(b as u64), change }
    };
    trial.rows = vec![row("In time", |s| s.met), row("Late or breached", |s| s.late), row("Running", |s| s.running)];
    let kept = |s: &Sum| Kept { met: s.met, late: s.late };
    trial.summary = format!(
        "Of {} that began in the last {DAYS} days, {} would have been kept instead of {}; {} would be at risk now.",
        words::plural(known.history.len() as u64, "clock", "clocks"),
        kept(&after).said(),
        kept(&before).said(),
        words::count(after.at_risk),
    );
    if after.met == 0 && after.late > 0 {
        trial.warning = "These terms would have been broken every single time.".into();
    }
    trial
}

/// Due time and warning of a past clock under other terms.
fn under(
    past: &PastClock,
    calendar: &Arc<Calendar>,
    terms: &Allowance,
    warn: Warn,
    now: DateTime<Utc>,
) -> Option<(i64, i64)> {
    let at = DateTime::from_timestamp_millis;
    let stops = past.pauses.chunks_exact(2).filter_map(|pause| {
        let to = if pause[1] == 0 { None } else { Some(at(pause[1])?) };
        Some(Stop { from: at(pause[0])?, to, reason: String::new() })
    });
    let until = past.ended_ms.and_then(at).unwrap_or(now);
    let reckoning = reckon(calendar, terms, at(past.started_ms)?, stops.collect(), String::new(), until)?;
    let used = match warn {
        Warn::Left(left) => (reckoning.allowed - left).max(TimeDelta::zero()),
        Warn::Share(share) => {
            use rust_decimal::prelude::ToPrimitive;
            let ms = rust_decimal::Decimal::from(reckoning.allowed.num_milliseconds()) * share;
            TimeDelta::milliseconds(ms.to_i64()?)
        }
    };
    let warn_at = reckoning.reach(used, until)?.0;
    Some((reckoning.due.timestamp_millis(), warn_at.timestamp_millis()))
}

fn count(sum: &mut Sum, ended_ms: Option<i64>, due_ms: i64, warn_ms: Option<i64>, now: DateTime<Utc>) {
    let now_ms = now.timestamp_millis();
    match ended_ms {
        Some(ended) if ended <= due_ms => sum.met += 1,
        Some(_) => sum.late += 1,
        None if now_ms > due_ms => sum.late += 1,
        None => {
            sum.running += 1;
            sum.at_risk += u64::from(warn_ms.is_some_and(|warn| warn <= now_ms));
        }
    }
}

/// As a definition writes it: `1wd 2h`, `30m`.
fn written(terms: &Allowance) -> String {
    let seconds = terms.time.num_seconds();
    let parts = [
        (i64::from(terms.working_days), "wd"),
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let said: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    said.join(" ")
}
