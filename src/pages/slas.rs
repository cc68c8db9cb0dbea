//! SLA policies: what each promises, to whom, on which calendar, and how it was kept; with the calendars themselves.

pub mod breaches;
pub mod charts;
pub mod export;
pub mod policy;
pub mod process;
pub mod routes;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::render::Page;
use super::time::Clock;
use super::words;
use crate::domain::{Calendar, Definition, Definitions, SlaRule, Subject};
use crate::store::{PolicyDay, PolicyOpen};
use charts::Bar;

/// Attainment is told over so many days.
pub const DAYS: i64 = 30;
/// Charts look so many weeks back.
pub const WEEKS: i64 = 12;
pub const DAY_MS: i64 = 86_400_000;

#[derive(Debug, Serialize)]
pub struct Slas {
    pub groups: Vec<Group>,
    pub calendars: Vec<CalendarRow>,
    pub breaches: String,
    pub process: String,
    pub warnings: Vec<String>,
    pub nothing: bool,
}

impl Page for Slas {
    const TEMPLATE: &'static str = "slas/policies.html";
}

/// The policies of one definition.
#[derive(Debug, Serialize)]
pub struct Group {
    pub title: String,
    pub rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub key: String,
    pub title: String,
    pub href: String,
    pub kind: &'static str,
    /// `Created → Released`
    pub way: String,
    pub limit: String,
    pub calendar: String,
    pub cases: String,
    pub attained: String,
    pub tone: &'static str,
    pub of: String,
    pub bars: Vec<Bar>,
    pub breached: Counted,
    pub at_risk: Counted,
    pub on_track: String,
}

#[derive(Debug, Default, Serialize)]
pub struct Counted {
    pub count: String,
    pub href: String,
}

#[derive(Debug, Serialize)]
pub struct CalendarRow {
    pub key: String,
    pub title: String,
    pub zone: String,
    pub hours: String,
    pub next: String,
    pub serves: String,
    pub now: &'static str,
}

/// Met, late: how a policy was kept over some days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub met: u64,
    pub late: u64,
}

impl Kept {
    pub fn of<'d>(days: impl Iterator<Item = &'d PolicyDay>) -> Self {
        days.fold(Self::default(), |sum, day| Self { met: sum.met + day.met, late: sum.late + day.late })
    }

    pub fn all(self) -> u64 {
        self.met + self.late
    }

    /// `96.4 %`; nothing where there were none.
    pub fn said(self) -> String {
        match self.all() {
            0 => "–".into(),
            all => format!("{}.{} %", self.met * 1000 / all / 10, self.met * 1000 / all % 10),
        }
    }

    pub fn share(self) -> Option<f64> {
        (self.all() > 0).then(|| self.met as f64 / self.all() as f64)
    }
}

pub fn slas(tenant: &str, clock: &Clock, definitions: &Definitions, days: &[PolicyDay], open: &[PolicyOpen]) -> Slas {
    let today = clock.now_ms.div_euclid(DAY_MS);
    let group = |definition: &std::sync::Arc<Definition>| {
        let bases = definition.slas.iter().filter(|rule| rule.key == rule.policy);
        let rows: Vec<Row> = bases.map(|rule| row(tenant, definition, rule, days, open, today)).collect();
        Group { title: definition.title.clone(), rows }
    };
    let groups: Vec<Group> = definitions.iter().map(group).filter(|group| !group.rows.is_empty()).collect();
    let odd = definitions.iter().flat_map(|d| d.warnings.iter()).chain(&definitions.odd);
    Slas {
        nothing: groups.is_empty(),
        groups,
        calendars: definitions.calendars.iter().map(|c| calendar_row(clock, c)).collect(),
        breaches: words::tenant_path(tenant, "slas/breaches"),
        process: words::tenant_path(tenant, "process"),
        warnings: odd.map(ToString::to_string).collect(),
    }
}

pub fn policy_path(tenant: &str, definition: &str, policy: &str) -> String {
    words::tenant_path(tenant, &format!("slas/{}/{}", words::encode(definition), words::encode(policy)))
}

fn row(
    tenant: &str,
    definition: &Definition,
    rule: &SlaRule,
    days: &[PolicyDay],
    open: &[PolicyOpen],
    today: i64,
) -> Row {
    let own = |d: &&PolicyDay| d.definition == definition.key && d.policy == rule.policy && d.day > today - DAYS;
    let kept = Kept::of(days.iter().filter(own));
    let now = open.iter().find(|o| o.definition == definition.key && o.policy == rule.policy);
    let cases = definition.slas.iter().filter(|r| r.policy == rule.policy).count() - 1;
    let list = |verdict: &str| {
        let query = format!("slas/breaches?state={verdict}&policy={}", words::encode(&rule.policy));
        words::tenant_path(tenant, &query)
    };
    let counted = |n: u64, verdict: &str| Counted { count: words::count(n), href: list(verdict) };
    Row {
        key: format!("{}/{}", definition.key, rule.policy),
        title: rule.title.clone(),
        href: policy_path(tenant, &definition.key, &rule.policy),
        kind: rule.kind.as_str(),
        way: way(definition, rule),
        limit: rule.limit_said(),
        calendar: rule.calendar.said(),
        cases: if cases == 0 { String::new() } else { words::plural(cases as u64, "narrower case", "narrower cases") },
        attained: kept.said(),
        tone: tone(kept, rule),
        of: words::count(kept.all()),
        bars: charts::days(days.iter().filter(own), today, DAYS),
        breached: counted(now.map_or(0, |o| o.breached), "breached"),
        at_risk: counted(now.map_or(0, |o| o.at_risk), "at_risk"),
        on_track: words::count(now.map_or(0, |o| o.on_track)),
    }
}

/// Below its target a policy is told apart; above it says nothing.
pub fn tone(kept: Kept, rule: &SlaRule) -> &'static str {
    use rust_decimal::Decimal;
    let below = kept.all() > 0 && Decimal::from(kept.met) < rule.target * Decimal::from(kept.all());
    if below { "crit" } else { "" }
}

pub fn way(definition: &Definition, rule: &SlaRule) -> String {
    let title = |place: usize| definition.milestones.get(place).map_or("", |m| m.title.as_str());
    match &rule.subject {
        Subject::Milestones { from, to } => format!("{} → {}", title(*from), title(*to)),
        Subject::Propagation { events, of, known_to } => {
            let event = events.first().map_or_else(String::new, |e| words::event_title(&e.kind));
            let by = of.as_ref().map_or_else(String::new, |of| format!(" in {}", words::system(of)));
            let to = if known_to == "milepost" { "here".to_owned() } else { words::system(known_to) };
            format!("{event}{by} → known to {to}")
        }
        Subject::Silence { from, to, systems } => {
            let systems: Vec<String> = systems.iter().map(|s| words::system(s)).collect();
            format!("{} … {}: word from {}", title(*from), title(*to), systems.join(" or "))
        }
    }
}

fn calendar_row(clock: &Clock, calendar: &Calendar) -> CalendarRow {
    let now: DateTime<Utc> = DateTime::from_timestamp_millis(clock.now_ms).unwrap_or_default();
    let (today, _) = calendar.local(now);
    let next = calendar.special.range(today..).next().map(|(date, day)| {
        let open = if day.hours.is_empty() { "closed" } else { "half day" };
        format!("{} {} ({open})", date.strftime("%-d %b %Y"), day.name)
    });
    let serves = [
        ("warehouse", &calendar.serves.warehouses),
        ("customer", &calendar.serves.customers),
        ("carrier", &calendar.serves.carriers),
    ];
    let serves: Vec<String> = serves
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(kind, names)| format!("{kind} {}", names.join(", ")))
        .collect();
    CalendarRow {
        key: calendar.key.clone(),
        title: words::capital(&calendar.title),
        zone: calendar.zone_name().to_owned(),
        hours: hours(calendar),
        next: next.unwrap_or_default(),
        serves: serves.join("; "),
        now: if calendar.is_open(now) { "open now" } else { "closed now" },
    }
}

/// `Mon-Fri 08:00-12:00, 12:30-17:00`: days of the same hours together.
fn hours(calendar: &Calendar) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    if calendar.is_always() {
        return "every day, around the clock".into();
    }
    let clock = |s: i32| format!("{:02}:{:02}", s / 3_600, s / 60 % 60);
    let mut parts: Vec<String> = Vec::new();
    let mut day = 0;
    while day < 7 {
        let mut last = day;
        while last + 1 < 7 && calendar.week[last + 1] == calendar.week[day] {
            last += 1;
        }
        let open: Vec<String> =
            calendar.week[day].iter().map(|h| format!("{}-{}", clock(h.from), clock(h.to))).collect();
        if !open.is_empty() {
            let days = if last == day { DAYS[day].to_owned() } else { format!("{}-{}", DAYS[day], DAYS[last]) };
            parts.push(format!("{days} {}", open.join(", ")));
        }
        day = last + 1;
    }
    let cutoff = calendar.cutoff.map(|t| format!("; cut-off {:02}:{:02}", t.hour(), t.minute()));
    parts.join("; ") + &cutoff.unwrap_or_default()
}
