//! The board: what breaches next, what is late, what waits, and where the mass is in the flow.

use serde::Serialize;

use super::render::Page;
use super::time::{Clock, Time};
use super::words;
use super::workflows::{self, Row, Tab};
use crate::domain::Catalogue;
use crate::store::rows::{EventRow, WorkflowRow};

pub const ROWS: usize = 16;
/// When shifts begin, in the reader's zone.
pub const SHIFTS: [&str; 3] = ["06:00", "14:00", "22:00"];
pub const FEED: usize = 10;
const CAUSES: usize = 6;
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
    pub exceptions: Vec<(String, u64)>,
    pub held: u64,
    pub held_oldest_ms: Option<i64>,
    pub failure_groups: u64,
    pub failures_last_hour: u64,
    pub ready: u64,
    /// Earliest due time that is still ahead.
    pub next_due_ms: Option<i64>,
    pub catalogue: Catalogue,
    /// Root (`type/id`) → who has taken what is wrong with it.
    pub owners: Vec<(String, String)>,
    pub shift: Option<Since>,
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
    pub rows: Vec<Row>,
    pub calm: String,
    pub more: String,
    pub causes: Vec<Cause>,
    pub feed: Vec<Line>,
    pub nothing: bool,
    pub summary: String,
    pub shifts: Vec<Tab>,
    pub shift: Option<Shift>,
    pub wall: bool,
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
    let to = |query: &str| words::tenant_path(tenant, &format!("workflows{query}"));
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
    };
    let tiles = vec![
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
        tile("Blocked", blocked, "", format!("of {} open", words::count(open)), to("?status=blocked"), "stop", "held"),
        tile(
            "Held",
            answers.held,
            "",
            answers
                .held_oldest_ms
                .map_or_else(|| "nothing waits".into(), |ms| format!("oldest {}", words::about(clock.now_ms - ms))),
            words::tenant_path(tenant, "held"),
            "held",
            "held",
        ),
        tile(
            "Failing",
            answers.failure_groups,
            if answers.failure_groups == 1 { "group" } else { "groups" },
            format!("{} in the last hour", words::count(answers.failures_last_hour)),
            words::tenant_path(tenant, "failures"),
            "fail",
            "crit",
        ),
        tile(
            "Ready to invoice",
            answers.ready,
            "",
            "delivered, nothing open".into(),
            to("?readiness=ready"),
            "ok",
            "ok",
        ),
    ];
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
        flows: flow.map(|flow| others(tenant, flow)).unwrap_or_default(),
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
        wall: answers.wall,
        nothing: open == 0 && answers.events.is_empty(),
    }
}

fn others(tenant: &str, flow: &Flow) -> Vec<OtherFlow> {
    let other = |(key, title, open): &(String, String, u64)| OtherFlow {
        title: title.clone(),
        count: words::count(*open),
        href: words::tenant_path(tenant, &format!("board?flow={}", words::encode(key))),
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
                href: words::tenant_path(tenant, &format!("workflows?closed=no&stage={}", words::encode(key))),
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
        href: words::tenant_path(tenant, &format!("board?since={at}")),
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

fn causes(tenant: &str, answers: &Answers) -> Vec<Cause> {
    let mut sorted: Vec<&(String, u64)> =
        answers.exceptions.iter().filter(|(kind, n)| !kind.is_empty() && *n > 0).collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let most = sorted.first().map_or(1, |(_, n)| *n).max(1);
    sorted
        .into_iter()
        .take(CAUSES)
        .map(|(kind, n)| Cause {
            title: super::exceptions::title(&answers.catalogue, kind),
            count: words::count(*n),
            width: (*n as f64 / most as f64 * CAUSE_BAR).round().max(2.0),
            href: words::tenant_path(tenant, &format!("exceptions?kind={}", words::encode(kind))),
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
