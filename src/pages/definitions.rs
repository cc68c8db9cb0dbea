//! What the house goes by: each definition as a picture with what stands where, its rules in words, the tenant's own
//! changes field by field, and its versions.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde::Serialize;

use super::desk::Desk;
use super::problem::Trouble;
use super::render::Page;
use super::routes::part;
use super::time::{Clock, Time};
use super::visit::{Label, Visit};
use super::words;
use crate::domain::{
    Allowance, Definition, Definitions, Difference, EventMatch, Group, Limit, MilestoneRule, Per, Quantity, RollUp,
    SlaRule, Subject, Warn,
};
use crate::store::StageAge;

pub mod picture;

use picture::Picture;

#[derive(Debug, Serialize)]
pub struct List {
    pub rows: Vec<Row>,
    pub fault: String,
}

impl Page for List {
    const TEMPLATE: &'static str = "definitions.html";
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub key: String,
    pub title: String,
    pub href: String,
    pub root: String,
    pub versions: String,
    pub milestones: usize,
    pub slas: usize,
    pub open: String,
    pub own: String,
    pub warnings: usize,
}

/// A definition with what is open by it.
#[derive(Debug, Serialize)]
pub struct One {
    pub key: String,
    pub title: String,
    pub root: String,
    pub file: String,
    pub version: u32,
    pub since: Option<Time>,
    pub open: String,
    pub bottleneck: String,
    pub picture: Picture,
    pub milestones: Vec<Milestone>,
    pub slas: Vec<Sla>,
    pub reach: Vec<Reach>,
    pub versions: Vec<Version>,
    pub own: Vec<Own>,
    pub warnings: Vec<String>,
    pub fault: String,
    pub back: String,
}

impl Page for One {
    const TEMPLATE: &'static str = "definition.html";
}

#[derive(Debug, Serialize)]
pub struct Milestone {
    pub number: usize,
    pub key: String,
    pub title: String,
    pub system: String,
    pub tone: &'static str,
    pub rule: String,
    pub count: String,
    pub href: String,
    pub median: String,
    pub oldest: Option<Time>,
}

#[derive(Debug, Serialize)]
pub struct Sla {
    pub key: String,
    pub title: String,
    pub rule: String,
}

#[derive(Debug, Serialize)]
pub struct Reach {
    pub from: String,
    pub to: String,
}

#[derive(Debug, Serialize)]
pub struct Version {
    pub number: u32,
    pub title: String,
    pub file: String,
    pub since: Option<Time>,
    pub open: String,
    pub href: String,
    pub shown: bool,
}

#[derive(Debug, Serialize)]
pub struct Own {
    pub field: String,
    pub base: String,
    pub own: String,
}

/// What of a tenant's rules concerns the pages.
pub struct Rules<'a> {
    pub tenant: &'a str,
    pub definitions: &'a Definitions,
    /// Of a file.
    pub differences: &'a dyn Fn(&str) -> Vec<Difference>,
    pub fault: Option<String>,
}

/// `/t/{tenant}/definitions`
pub async fn show_list(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let visit = Visit::new(desk, request, &[]).await?;
    let tenant = visit.tenant.as_str();
    visit
        .show(desk, async {
            let stages = desk.store.stage_counts(tenant).await?;
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            for row in stages {
                *counts.entry(row.definition).or_default() += row.count;
            }
            let counts: Vec<(String, u64)> = counts.into_iter().collect();
            let page = with_rules(desk, tenant, |rules| list(rules, &counts));
            Ok((Label::new("definitions", "Definitions", "workflows"), page))
        })
        .await
}

/// `/t/{tenant}/definitions/{key}`
pub async fn show(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let mut visit = Visit::new(desk, request, &["version"]).await?;
    let key = part(request, "key");
    let version = match visit.query.get("version").map(str::parse::<u32>) {
        None => None,
        Some(Ok(version)) => Some(version),
        Some(Err(_)) => {
            visit.notices.push("version: expected a whole number; this is the newest.".into());
            None
        }
    };
    let tenant = visit.tenant.as_str();
    let missing = || Trouble::NotFound { tenant: tenant.to_owned(), what: format!("The definition {key}") };
    visit
        .show(desk, async {
            let ages = desk.store.stage_ages(tenant, &key).await?;
            let page = with_rules(desk, tenant, |rules| one(rules, &visit.clock, &key, version, &ages));
            let page = page.ok_or_else(missing)?;
            Ok((Label::new("definitions", page.title.clone(), "workflows"), page))
        })
        .await
}

fn with_rules<T>(desk: &Desk, tenant: &str, make: impl FnOnce(&Rules) -> T) -> T {
    let book = desk.shelf.book();
    let own = book.differences(tenant);
    let differences = |file: &str| own.and_then(|own| own.get(file)).cloned().unwrap_or_default();
    let fault = desk.shelf.fault().map(|fault| fault.to_string());
    make(&Rules { tenant, definitions: book.of(tenant), differences: &differences, fault })
}

/// `counts` are open workflows by definition.
pub fn list(rules: &Rules, counts: &[(String, u64)]) -> List {
    let row = |d: &Arc<Definition>| {
        let open: u64 = counts.iter().filter(|(key, _)| *key == d.key).map(|(_, n)| n).sum();
        let own = (rules.differences)(&d.file).len();
        let versions: Vec<String> =
            rules.definitions.versions(&d.key).iter().map(|v| format!("v{}", v.version)).collect();
        Row {
            key: d.key.clone(),
            title: d.title.clone(),
            href: path(rules.tenant, &d.key, None),
            root: words::title(&d.root),
            versions: versions.join(", "),
            milestones: d.milestones.len(),
            slas: d.slas.len(),
            open: words::count(open),
            own: if own == 0 {
                String::new()
            } else {
                words::plural(own as u64, "field of its own", "fields of its own")
            },
            warnings: d.warnings.len(),
        }
    };
    List { rows: rules.definitions.iter().map(row).collect(), fault: rules.fault.clone().unwrap_or_default() }
}

/// One definition in the version asked for, or the newest. None when there is none.
pub fn one(rules: &Rules, clock: &Clock, key: &str, version: Option<u32>, ages: &[StageAge]) -> Option<One> {
    let versions = rules.definitions.versions(key);
    let d = match version {
        None => versions.first(),
        Some(version) => versions.iter().find(|d| d.version == version),
    }?;
    let open = |of: &dyn Fn(&StageAge) -> bool| ages.iter().filter(|a| of(a)).map(|a| a.count).sum::<u64>();
    let standing = |stage: &str| Standing::of(ages.iter().filter(|a| a.stage == stage && a.version == d.version));
    let stages: Vec<Standing> = d.milestones.iter().map(|m| standing(&m.key)).collect();
    let worst = worst(&stages, clock.now_ms);
    let milestones = d.milestones.iter().zip(&stages).enumerate().map(|(at, (rule, standing))| Milestone {
        number: at + 1,
        key: rule.key.clone(),
        title: rule.title.clone(),
        system: words::system(&rule.system),
        tone: words::lane(&rule.system),
        rule: in_words(d, rule),
        count: words::count(standing.count),
        href: stage_path(rules.tenant, d, rule),
        median: if standing.count == 0 { String::new() } else { words::about(clock.now_ms - standing.median_ms) },
        oldest: (standing.count > 0).then(|| clock.time(standing.oldest_ms)),
    });
    let bottleneck = worst.map_or_else(String::new, |at| {
        format!(
            "{} stand at “{}”, half of them for {} or longer.",
            words::plural(stages[at].count, "workflow", "workflows"),
            d.milestones[at].title,
            words::about(clock.now_ms - stages[at].median_ms)
        )
    });
    let shown = |d: &&Arc<Definition>| Version {
        number: d.version,
        title: d.title.clone(),
        file: d.file.clone(),
        since: d.since.map(|at| clock.time(at.timestamp_millis())),
        open: words::count(open(&|a| a.version == d.version)),
        href: path(rules.tenant, key, Some(d.version)),
        shown: version.map_or(versions[0].version, |v| v) == d.version,
    };
    let own = (rules.differences)(&d.file).into_iter().map(|difference| Own {
        field: difference.field,
        base: difference.base.unwrap_or_else(|| "nothing".into()),
        own: difference.own.unwrap_or_else(|| "taken away".into()),
    });
    Some(One {
        key: d.key.clone(),
        title: d.title.clone(),
        root: words::title(&d.root),
        file: d.file.clone(),
        version: d.version,
        since: d.since.map(|at| clock.time(at.timestamp_millis())),
        open: words::count(open(&|_| true)),
        bottleneck,
        picture: picture::picture(rules.tenant, clock, d, &stages, worst),
        milestones: milestones.collect(),
        slas: d
            .slas
            .iter()
            .map(|sla| Sla { key: sla.key.clone(), title: sla.title.clone(), rule: sla_words(d, sla) })
            .collect(),
        reach: d.reach.iter().filter(|(_, to)| !to.is_empty()).map(|(from, to)| reach(from, to)).collect(),
        versions: versions.iter().map(shown).collect(),
        own: own.collect(),
        warnings: d.warnings.iter().map(ToString::to_string).collect(),
        fault: rules.fault.clone().unwrap_or_default(),
        back: words::tenant_path(rules.tenant, "definitions"),
    })
}

fn reach(from: &str, to: &[String]) -> Reach {
    let to: Vec<String> = to.iter().map(|kind| kind.replace('_', " ")).collect();
    Reach { from: words::title(from), to: to.join(", ") }
}

fn path(tenant: &str, key: &str, version: Option<u32>) -> String {
    let query = version.map_or_else(String::new, |version| format!("?version={version}"));
    words::tenant_path(tenant, &format!("definitions/{}{query}", words::encode(key)))
}

fn stage_path(tenant: &str, d: &Definition, rule: &MilestoneRule) -> String {
    let query = format!("workflows?definition={}&stage={}&closed=no", words::encode(&d.key), words::encode(&rule.key));
    words::tenant_path(tenant, &query)
}

/// Open workflows whose latest milestone is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub count: u64,
    pub breached: u64,
    pub oldest_ms: i64,
    pub median_ms: i64,
}

impl Standing {
    fn of<'a>(rows: impl Iterator<Item = &'a StageAge>) -> Self {
        rows.fold(Self::default(), |sum, row| Self {
            count: sum.count + row.count,
            breached: sum.breached + row.breached,
            oldest_ms: if sum.count == 0 { row.oldest_ms } else { sum.oldest_ms.min(row.oldest_ms) },
            median_ms: if sum.count >= row.count && sum.count > 0 { sum.median_ms } else { row.median_ms },
        })
    }
}

/// Where most time is lost: the stage with the largest number times half-time. None where nothing stands.
fn worst(stages: &[Standing], now_ms: i64) -> Option<usize> {
    let lost = |s: &Standing| i128::from(s.count) * i128::from((now_ms - s.median_ms).max(0));
    // The last stage is the end: what stands there is done but for others.
    let open = stages.iter().enumerate().filter(|(_, s)| s.count > 0);
    open.max_by_key(|(_, s)| lost(s)).map(|(at, _)| at)
}

/// How a milestone is reached.
pub fn in_words(d: &Definition, rule: &MilestoneRule) -> String {
    let names = |members: &[usize]| {
        let names: Vec<String> = members.iter().map(|m| format!("“{}”", d.milestones[*m].title)).collect();
        names.join(", ")
    };
    let events = |of: &mut dyn Iterator<Item = String>| of.collect::<Vec<_>>().join(" or ");
    let mut text = match (&rule.group, &rule.prefer) {
        (Some(Group::Any(members)), _) => {
            format!("When one of {} is reached; the others are then not waited for", names(members))
        }
        (Some(Group::All(members)), _) => format!("When {} are all reached", names(members)),
        (None, Some(prefer)) => {
            let others = events(&mut rule.events.iter().filter(|e| **e != prefer.event).map(ToString::to_string));
            let waits = prefer.wait > TimeDelta::zero();
            let after = if waits { format!(" {} after", span(prefer.wait)) } else { " with".to_owned() };
            format!("By {}; while that is missing,{after} {others}", prefer.event)
        }
        (None, None) => format!("By {}", events(&mut rule.events.iter().map(ToString::to_string))),
    };
    if rule.times > 1 {
        text += &format!(", {} times", rule.times);
    }
    match (&rule.per, rule.roll_up) {
        (Per::Root, _) => {}
        (Per::Object(kind), Some(RollUp::Any)) => text += &format!("; the first {} is enough", kind.replace('_', " ")),
        (Per::Object(kind), _) => text += &format!("; for every {}", kind.replace('_', " ")),
        (Per::Line, Some(RollUp::Any)) => text += "; the first order line is enough",
        (Per::Line, _) => text += "; for every order line",
    }
    if let Some(quantity) = rule.quantity {
        let what = quantity_word(quantity);
        text += &match rule.roll_up {
            Some(RollUp::Any) => format!("; as soon as anything is {what}"),
            Some(RollUp::All) => format!("; complete when every line is {what}"),
            _ => format!("; complete when the whole quantity is {what}"),
        };
    } else if rule.roll_up == Some(RollUp::Weighted) {
        text += "; parts count by their quantity";
    }
    if rule.when.is_some() {
        text += "; only where the customer needs it";
    }
    if rule.optional {
        text += "; may be passed over";
    }
    text + "."
}

/// `1 d 12 h`
fn span(time: TimeDelta) -> String {
    let seconds = time.num_seconds();
    let parts = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let said: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n} {unit}")).collect();
    said.join(" ")
}

fn quantity_word(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Allocated => "allocated",
        Quantity::Picked => "picked",
        Quantity::Packed => "packed",
        Quantity::Shipped => "shipped",
        Quantity::Delivered => "delivered",
        Quantity::Invoiced => "invoiced",
    }
}

fn sla_words(d: &Definition, sla: &SlaRule) -> String {
    let title = |at: usize| format!("“{}”", d.milestones[at].title);
    let events = |of: &[EventMatch]| of.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    let systems = |of: &[String]| of.iter().map(|s| words::system(s)).collect::<Vec<_>>().join(" or ");
    let subject = match (&sla.subject, &sla.limit) {
        (Subject::Milestones { to, .. }, Limit::Promise(_)) => title(*to),
        (Subject::Milestones { from, to }, Limit::Within(_)) => format!("From {} to {}", title(*from), title(*to)),
        (Subject::Propagation { events: of, known_to, .. }, _) => {
            format!("From {} until {} knows of it", events(of), words::system(known_to))
        }
        (Subject::Silence { from, to, systems: of }, _) => {
            format!("Between {} and {} never without word from {}", title(*from), title(*to), systems(of))
        }
    };
    let mut text = match &sla.limit {
        Limit::Within(time) => format!("{subject} within {}", allowed(time)),
        Limit::Promise(field) => format!("{subject} by the {} date", field.replace('_', " ")),
    };
    text += &match sla.warn {
        Warn::Share(share) => format!("; at risk after {} % of the time", (share * Decimal::ONE_HUNDRED).normalize()),
        Warn::Left(time) => format!("; at risk with {} left", span(time)),
    };
    if !sla.pauses.is_empty() {
        let pauses: Vec<&str> = sla.pauses.iter().map(|p| p.title.as_str()).collect();
        text += &format!("; the clock stands still during {}", pauses.join(", "));
    }
    text + "."
}

fn allowed(time: &Allowance) -> String {
    let days = match time.working_days {
        0 => None,
        n => Some(words::plural(u64::from(n), "business day", "business days")),
    };
    let rest = (time.time > TimeDelta::zero()).then(|| span(time.time));
    let by = time.by.map(|by| format!("by {}", by.strftime("%H:%M")));
    [days, rest, by].into_iter().flatten().collect::<Vec<_>>().join(" ")
}
