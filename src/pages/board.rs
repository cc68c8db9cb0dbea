//! The board: what breaches next, what is late, what waits, and where the mass is in the flow.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::params::Query;
use super::render::Page;
use super::slas::{self, charts};
use super::time::{Clock, Time};
use super::words;
use super::workflows::{self, Row, Tab};
use crate::store::rows::{EventRow, WorkflowRow};
use crate::store::{ClockCount, Days, Facet, PolicyDay, Whose};

pub const ROWS: usize = 16;
/// When shifts begin, in the reader's zone.
pub const SHIFTS: [&str; 3] = ["06:00", "14:00", "22:00"];
pub const FEED: usize = 10;
const CAUSES: usize = 6;
/// Systems or customers that can be chosen without typing.
const CHOICES: usize = 50;
/// Promises kept are told over so many days, this one included.
const KEPT_DAYS: i64 = 7;
/// Width of a bar in the flow, and of one of the causes.
const STAGE_BAR: f64 = 64.0;
const CAUSE_BAR: f64 = 128.0;

/// What the board asks the store.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Status → open workflows.
    pub statuses: Vec<(String, u64)>,
    /// (definition, stage, status) → open workflows.
    pub stages: Vec<(String, String, String, u64)>,
    pub due: Vec<WorkflowRow>,
    pub events: Vec<EventRow>,
    /// How the clocks of `days` stand.
    pub clocks: Arc<Vec<ClockCount>>,
    pub days: Days,
    pub held: u64,
    pub held_oldest_ms: Option<i64>,
    pub failure_groups: u64,
    pub failures_last_hour: u64,
    /// Earliest due time that is still ahead.
    pub next_due_ms: Option<i64>,
    /// Root (`type/id`) → who has taken what is wrong with it.
    pub owners: Vec<(String, String)>,
    pub shift: Option<Since>,
    /// The address, as far as it is understood.
    pub query: Query,
    /// Whose board it is.
    pub whose: Whose,
    /// Systems and customers with open workflows, the most first.
    pub choices: Arc<Vec<Facet>>,
    /// Systems of which nothing is heard.
    pub silent: Vec<String>,
    /// For a screen on the wall.
    pub wall: bool,
}

/// What happened since a shift began.
#[derive(Clone, Debug, Default)]
pub struct Since {
    pub at: String,
    pub since_ms: i64,
    pub came: u64,
    pub late: u64,
    pub went: u64,
}

/// The stages of one definition in their order.
pub struct Flow {
    pub definition: String,
    pub title: String,
    pub stages: Vec<(String, String)>,
    /// Other definitions with open workflows: key, title, how many.
    pub others: Vec<(String, String, u64)>,
}

#[derive(Debug, Serialize)]
pub struct Board {
    pub tiles: Vec<Tile>,
    pub flow: Vec<Stage>,
    pub flow_title: String,
    pub flow_path: String,
    pub flows: Vec<OtherFlow>,
    pub blocked: Option<OtherFlow>,
    pub rows: Vec<Row>,
    pub calm: String,
    pub more: String,
    pub causes: Vec<Cause>,
    pub feed: Vec<Line>,
    pub nothing: bool,
    pub summary: String,
    pub shifts: Vec<Tab>,
    pub shift: Option<Shift>,
    pub path: String,
    /// Parameters that choosing keeps.
    pub kept: Vec<(String, String)>,
    pub systems: Vec<Choice>,
    pub customers: Vec<Choice>,
    pub whose: bool,
    /// The latest events are of everybody although a customer is chosen.
    pub feed_of_all: bool,
    pub wall: bool,
}

#[derive(Debug, Serialize)]
pub struct Choice {
    pub value: String,
    pub title: String,
    pub chosen: bool,
}

#[derive(Debug, Serialize)]
pub struct Shift {
    pub since: Time,
    pub came: String,
    pub came_href: String,
    pub late: String,
    pub went: String,
    pub went_href: String,
}

impl Page for Board {
    const TEMPLATE: &'static str = "board.html";
}

#[derive(Debug, Serialize)]
pub struct Tile {
    pub title: &'static str,
    pub value: String,
    pub unit: &'static str,
    pub note: String,
    pub href: String,
    pub glyph: &'static str,
    pub tone: &'static str,
    /// Why the number may be old: then it is hatched.
    pub stale: String,
    /// Only where the way it takes says more than the number.
    pub trend: Vec<charts::Bar>,
}

#[derive(Debug, Serialize)]
pub struct OtherFlow {
    pub title: String,
    pub count: String,
    pub href: String,
}

/// A bar of the flow: its parts by status.
#[derive(Debug, Serialize)]
pub struct Stage {
    pub title: String,
    pub count: String,
    pub href: String,
    pub crit: f64,
    pub risk: f64,
    pub held: f64,
    pub ok: f64,
    pub hint: String,
}

#[derive(Debug, Serialize)]
pub struct Cause {
    pub title: String,
    pub count: String,
    pub width: f64,
    pub href: String,
}

#[derive(Debug, Serialize)]
pub struct Line {
    pub key: String,
    pub at: Time,
    pub title: String,
    pub system: String,
    pub tone: &'static str,
    pub object: words::Ref,
}

pub fn board(tenant: &str, clock: &Clock, answers: &Answers, flow: Option<&Flow>) -> Board {
    let count = |key: &str| answers.statuses.iter().filter(|(status, _)| status == key).map(|(_, n)| n).sum::<u64>();
    let (breached, at_risk, blocked) = (count("breached"), count("at_risk"), count("blocked"));
    let open = breached + at_risk + blocked + count("on_track");
    let own = own(&answers.whose);
    let to = |query: &str| words::tenant_path(tenant, &format!("workflows{query}{own}"));
    let everybodys = |note: String| if own.is_empty() { note } else { format!("{note}, of all") };
    let stale = stale(answers);
    let oldest = answers.due.iter().filter_map(|row| row.due_ms).filter(|due| *due < clock.now_ms).min();
    let next = answers.next_due_ms;
    let tile = |title, value: u64, unit, note: String, href: String, glyph, tone: &'static str| Tile {
        title,
        value: words::count(value),
        unit,
        note,
        href,
        glyph,
        tone: if value == 0 { "" } else { tone },
        stale: String::new(),
        trend: Vec::new(),
    };
    let mut tiles = vec![
        tile(
            "Breached",
            breached,
            "",
            oldest
                .map_or_else(|| "none is late".into(), |due| format!("oldest {}", words::duration(clock.now_ms - due))),
            to("?status=breached"),
            "crit",
            "crit",
        ),
        tile(
            "At risk",
            at_risk,
            "",
            next.map_or_else(
                || "nothing is due".into(),
                |due| format!("next due in {}", words::duration(due - clock.now_ms)),
            ),
            to("?status=at_risk"),
            "risk",
            "risk",
        ),
        due_today(tenant, answers),
        tile(
            "Held",
            answers.held,
            "",
            everybodys(
                answers
                    .held_oldest_ms
                    .map_or_else(|| "nothing waits".into(), |ms| format!("oldest {}", words::about(clock.now_ms - ms))),
            ),
            words::tenant_path(tenant, "held"),
            "held",
            "held",
        ),
        tile(
            "Failing",
            answers.failure_groups,
            if answers.failure_groups == 1 { "group" } else { "groups" },
            everybodys(format!("{} in the last hour", words::count(answers.failures_last_hour))),
            words::tenant_path(tenant, "failures"),
            "fail",
            "crit",
        ),
        on_time(tenant, clock, answers),
    ];
    // What depends on news that do not come.
    for tile in tiles.iter_mut().filter(|tile| ["Breached", "At risk", "Due today"].contains(&tile.title)) {
        tile.stale.clone_from(&stale);
    }
    let calm = next.map(|due| clock.short(due));
    Board {
        summary: format!(
            "{} open, {} breached, {} at risk.",
            words::count(open),
            words::count(breached),
            words::count(at_risk)
        ),
        tiles,
        flow: flow.map(|flow| stages(tenant, answers, flow)).unwrap_or_default(),
        flow_title: flow.map(|flow| flow.title.clone()).unwrap_or_default(),
        flow_path: flow
            .map(|flow| to(&format!("?closed=no&definition={}", words::encode(&flow.definition))))
            .unwrap_or_default(),
        flows: flow.map(|flow| others(tenant, answers, flow)).unwrap_or_default(),
        blocked: (blocked > 0).then(|| OtherFlow {
            title: "blocked".into(),
            count: words::count(blocked),
            href: to("?status=blocked"),
        }),
        rows: answers.due.iter().take(ROWS).map(|row| owned(tenant, clock, answers, row)).collect(),
        calm: match (breached + at_risk, calm) {
            (0, Some(until)) => format!("Nothing is late or at risk. Next due {until}."),
            (0, None) => "Nothing is late or at risk, and nothing is due.".into(),
            _ => String::new(),
        },
        more: to("?closed=no&sort=due"),
        causes: causes(tenant, answers),
        feed: answers.events.iter().take(FEED).map(|event| line(tenant, clock, event)).collect(),
        shifts: shifts(tenant, answers),
        shift: answers.shift.as_ref().map(|since| shift(tenant, clock, since)),
        path: words::tenant_path(tenant, "board"),
        kept: answers
            .query
            .without(&["system", "customer"])
            .pairs()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        systems: choices(answers, "system", &answers.whose.system, words::system),
        customers: choices(answers, "customer", &answers.whose.customer, str::to_owned),
        whose: !answers.whose.is_everybody(),
        feed_of_all: !answers.whose.customer.is_empty(),
        wall: answers.wall,
        // What was refused has arrived: a house where everything fails has its red tile.
        nothing: open == 0
            && answers.events.iter().all(|event| event.system == milepost_ingest::ACTING_SYSTEM)
            && answers.failure_groups == 0
            && answers.whose.is_everybody(),
    }
}

/// The same narrowing for lists that the board leads to.
fn own(whose: &Whose) -> String {
    let part = |name: &str, value: &str| match value {
        "" => String::new(),
        value => format!("&{name}={}", words::encode(value)),
    };
    part("system", &whose.system) + &part("customer", &whose.customer)
}

/// Systems and customers to choose from; the chosen one also where nothing of it is open any more.
fn choices(answers: &Answers, name: &str, chosen: &str, title: impl Fn(&str) -> String) -> Vec<Choice> {
    let mut found: Vec<&Facet> = answers.choices.iter().filter(|facet| facet.name == name).collect();
    found.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    let mut values: Vec<&str> = found.iter().take(CHOICES).map(|facet| facet.value.as_str()).collect();
    if !chosen.is_empty() && !values.contains(&chosen) {
        values.insert(0, chosen);
    }
    let choice = |value: &str| Choice { value: value.to_owned(), title: title(value), chosen: value == chosen };
    values.into_iter().map(choice).collect()
}

/// Which silent systems the numbers wait for.
fn stale(answers: &Answers) -> String {
    let own = |system: &&String| answers.whose.system.is_empty() || **system == answers.whose.system;
    let silent: Vec<String> = answers.silent.iter().filter(own).map(|system| words::system(system)).collect();
    if silent.is_empty() { String::new() } else { format!("{} is silent: may be old", silent.join(", ")) }
}

fn others(tenant: &str, answers: &Answers, flow: &Flow) -> Vec<OtherFlow> {
    let other = |(key, title, open): &(String, String, u64)| OtherFlow {
        title: title.clone(),
        count: words::count(*open),
        href: words::tenant_path(tenant, &format!("board{}", answers.query.with("flow", key).text())),
    };
    flow.others.iter().map(other).collect()
}

fn stages(tenant: &str, answers: &Answers, flow: &Flow) -> Vec<Stage> {
    let of = |stage: &str, wanted: &[&str]| -> u64 {
        let rows = answers.stages.iter().filter(|(definition, key, ..)| *definition == flow.definition && key == stage);
        rows.filter(|(_, _, status, _)| wanted.contains(&status.as_str())).map(|(.., n)| n).sum()
    };
    const ALL: [&str; 4] = ["breached", "at_risk", "blocked", "on_track"];
    let most = flow.stages.iter().map(|(key, _)| of(key, &ALL)).max().unwrap_or(0).max(1);
    let width = |n: u64| (n as f64 / most as f64 * STAGE_BAR * 10.0).round() / 10.0;
    flow.stages
        .iter()
        .map(|(key, title)| {
            let [crit, risk, held, ok] = ALL.map(|status| of(key, &[status]));
            Stage {
                title: title.clone(),
                count: words::count(crit + risk + held + ok),
                href: words::tenant_path(
                    tenant,
                    &format!("workflows?closed=no&stage={}{}", words::encode(key), own(&answers.whose)),
                ),
                crit: width(crit),
                risk: width(risk),
                held: width(held),
                ok: width(ok),
                hint: format!("{title}: {ok} on track, {held} blocked, {risk} at risk, {crit} breached"),
            }
        })
        .collect()
}

/// A row with whoever has taken it.
fn owned(tenant: &str, clock: &Clock, answers: &Answers, row: &WorkflowRow) -> Row {
    let root = format!("{}/{}", row.root_type, row.root_id);
    let owner = answers.owners.iter().find(|(known, _)| *known == root).map(|(_, owner)| owner.clone());
    Row { owner: owner.unwrap_or_default(), ..workflows::row(tenant, clock, row) }
}

fn shifts(tenant: &str, answers: &Answers) -> Vec<Tab> {
    let now = answers.shift.as_ref().map(|since| since.at.as_str());
    let tab = |at: &&str| Tab {
        title: (*at).to_owned(),
        // What is chosen is let go by choosing it again.
        href: words::tenant_path(
            tenant,
            &format!("board{}", answers.query.with("since", if now == Some(at) { "none" } else { at }).text()),
        ),
        active: now == Some(at),
    };
    SHIFTS.iter().map(tab).collect()
}

fn shift(tenant: &str, clock: &Clock, since: &Since) -> Shift {
    let from = words::encode(&Clock::iso(since.since_ms));
    Shift {
        since: Time { text: clock.short(since.since_ms), ..clock.time(since.since_ms) },
        came: words::plural(since.came, "exception came", "exceptions came"),
        came_href: words::tenant_path(tenant, &format!("exceptions?from={from}&sort=new")),
        late: words::count(since.late),
        went: format!("{} closed", words::count(since.went)),
        went_href: words::tenant_path(tenant, "exceptions?state=closed&sort=new"),
    }
}

/// Clocks that fall due between midnight and midnight, whatever became of them.
fn due_today(tenant: &str, answers: &Answers) -> Tile {
    let (all, done) = answers
        .clocks
        .iter()
        .filter(|row| row.today)
        .fold((0, 0), |(all, done), row| (all + row.count, done + if row.open { 0 } else { row.count }));
    let (from, to) = (Clock::iso(answers.days.today_ms), Clock::iso(answers.days.tomorrow_ms));
    let own = own(&answers.whose);
    let query = format!("slas/breaches?state=all&from={}&to={}{own}", words::encode(&from), words::encode(&to));
    Tile {
        title: "Due today",
        value: words::count(all),
        unit: if all == 1 { "clock" } else { "clocks" },
        note: if all == 0 { "nothing is due".into() } else { format!("{} done", words::count(done)) },
        href: words::tenant_path(tenant, &query),
        glyph: "slas",
        tone: "",
        stale: String::new(),
        trend: Vec::new(),
    }
}

/// Clocks that ended or fell due in these days, counted as the policies' page counts them.
fn on_time(tenant: &str, clock: &Clock, answers: &Answers) -> Tile {
    // Days of the reader's calendar, as numbers that charts can name.
    let first = clock.wall_ms(answers.days.since_ms).div_euclid(slas::DAY_MS);
    let days: Vec<PolicyDay> = (0..KEPT_DAYS)
        .map(|day| {
            let sum = |verdicts: &[&str]| -> u64 {
                let of = answers.clocks.iter().filter(|row| row.day == day && verdicts.contains(&row.verdict.as_str()));
                of.map(|row| row.count).sum()
            };
            PolicyDay {
                day: first + day,
                met: sum(&["met", "withdrawn"]),
                late: sum(&["met_late", "breached"]),
                ..PolicyDay::default()
            }
        })
        .collect();
    let kept = slas::Kept::of(days.iter());
    let said = kept.said();
    let (value, unit) = said.split_once(' ').unwrap_or((&said, ""));
    Tile {
        title: "On time, 7 d",
        value: value.to_owned(),
        unit: if unit.is_empty() { "" } else { "%" },
        note: format!("of {}", words::plural(kept.all(), "clock", "clocks")),
        href: words::tenant_path(tenant, "slas"),
        glyph: "ok",
        tone: "",
        stale: String::new(),
        trend: charts::days(days.iter(), first + KEPT_DAYS - 1, KEPT_DAYS),
    }
}

/// The days that the board tells of, in the reader's zone.
pub fn days(clock: &Clock) -> Days {
    Days {
        since_ms: clock.day_start(1 - KEPT_DAYS),
        today_ms: clock.day_start(0),
        tomorrow_ms: clock.day_start(1),
        late_since_ms: clock.now_ms - slas::DAY_MS,
    }
}

/// What stood in the way of clocks that ran out in the last day.
fn causes(tenant: &str, answers: &Answers) -> Vec<Cause> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for row in answers.clocks.iter().filter(|row| !row.late_cause.is_empty()) {
        *sums.entry(&row.late_cause).or_default() += row.count;
    }
    let mut sorted: Vec<(&str, u64)> = sums.into_iter().collect();
    sorted.sort_by_key(|(cause, n)| (Reverse(*n), *cause));
    let most = sorted.first().map_or(1, |(_, n)| *n).max(1);
    let from = words::encode(&Clock::iso(answers.days.late_since_ms));
    sorted
        .into_iter()
        .take(CAUSES)
        .map(|(cause, n)| Cause {
            title: slas::breaches::cause(cause),
            count: words::count(n),
            width: (n as f64 / most as f64 * CAUSE_BAR).round().max(2.0),
            href: words::tenant_path(
                tenant,
                &format!(
                    "slas/breaches?state=missed&from={from}&cause={}{}",
                    words::encode(cause),
                    own(&answers.whose)
                ),
            ),
        })
        .collect()
}

fn line(tenant: &str, clock: &Clock, event: &EventRow) -> Line {
    Line {
        key: format!("{} {}", event.source, event.event_id),
        at: clock.time(event.received_ms),
        title: words::event_title(&event.event_type),
        system: words::system(&event.system),
        tone: words::lane(&event.system),
        object: words::Ref::object(tenant, &milepost_ingest::ObjectRef::new(&event.object_type, &event.object_id)),
    }
}
