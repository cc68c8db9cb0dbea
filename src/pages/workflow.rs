//! One workflow: what blocks it, who acts, by when; then its story, quantities, documents, payloads and trace.

pub mod actions;
pub mod activity;
pub mod documents;
pub mod quantities;
pub mod timeline;
pub mod trace;

use serde::Serialize;

use self::actions::Actions;
use self::activity::Activity;
use self::documents::Documents;
use self::quantities::Quantities;
use self::timeline::Timeline;
use self::trace::Traces;
use super::render::Page;
use super::status::{self, Badge};
use super::time::{Clock, Due, Time};
use super::words;
use crate::domain::{Reached, ReadinessState, Verdict, Workflow};
use crate::store::rows::{EventRow, FailureRow, SpanRow};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Timeline,
    Quantities,
    Documents,
    Payloads,
    Activity,
    Trace,
}

impl Tab {
    pub const ALL: [Self; 6] =
        [Self::Timeline, Self::Quantities, Self::Documents, Self::Payloads, Self::Activity, Self::Trace];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tab| tab.key() == text)
    }

    fn key(self) -> &'static str {
        match self {
            Self::Timeline => "",
            Self::Quantities => "quantities",
            Self::Documents => "documents",
            Self::Payloads => "payloads",
            Self::Activity => "activity",
            Self::Trace => "trace",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Timeline => "Timeline",
            Self::Quantities => "Quantities",
            Self::Documents => "Documents",
            Self::Payloads => "Payloads",
            Self::Activity => "Activity",
            Self::Trace => "Trace",
        }
    }
}

/// All that the page is made of.
pub struct Facts<'a> {
    pub tenant: &'a str,
    pub workflow: &'a Workflow,
    pub events: &'a [EventRow],
    pub spans: &'a [SpanRow],
    pub failures: &'a [FailureRow],
    pub tab: Tab,
    /// The moment asked for with `as_of`; `None` is now.
    pub as_of_ms: Option<i64>,
}

#[derive(Debug, Serialize)]
pub struct Detail {
    pub id: String,
    pub kind: String,
    pub definition: String,
    pub badge: Badge,
    pub customer: String,
    pub amount: String,
    pub facts: Vec<String>,
    pub created: Time,
    pub as_of: Option<Time>,
    pub now_path: String,
    pub sentence: Sentence,
    pub readiness: Badge,
    pub reasons: Vec<Reason>,
    pub track: Vec<Step>,
    pub stage: String,
    pub tabs: Vec<TabLink>,
    pub tab: &'static str,
    pub slas: Vec<SlaRow>,
    pub exceptions: Vec<ExceptionRow>,
    pub milestones: Vec<MilestoneRow>,
    pub timeline: Option<Timeline>,
    pub quantities: Option<Quantities>,
    pub documents: Option<Documents>,
    pub payloads: Option<Vec<PayloadLine>>,
    pub activity: Option<Activity>,
    pub traces: Option<Traces>,
    pub actions: Actions,
}

impl Page for Detail {
    const TEMPLATE: &'static str = "workflow.html";
}

/// What blocks it, who acts, by when.
#[derive(Debug, Default, Serialize)]
pub struct Sentence {
    pub tone: &'static str,
    pub glyph: &'static str,
    pub lead: String,
    pub what: String,
    pub who: String,
    pub due: Option<Due>,
    pub since: Option<Time>,
    /// Last sign of life of the system whose turn it is.
    pub last: String,
}

#[derive(Debug, Serialize)]
pub struct Reason {
    pub text: String,
    pub system: String,
}

#[derive(Debug, Serialize)]
pub struct Step {
    pub title: String,
    pub state: &'static str,
    pub hint: String,
}

#[derive(Debug, Serialize)]
pub struct TabLink {
    pub title: &'static str,
    pub href: String,
    pub count: String,
    pub active: bool,
}

#[derive(Debug, Serialize)]
pub struct SlaRow {
    pub title: String,
    pub badge: Badge,
    pub due: Due,
    pub open: bool,
    pub note: String,
    /// Used share of the time in percent, at most 100, for the bar.
    pub used: u32,
    pub system: String,
}

#[derive(Debug, Serialize)]
pub struct ExceptionRow {
    pub title: String,
    pub detail: String,
    pub since: Time,
    pub system: String,
    pub blocking: bool,
    pub object: words::Ref,
}

#[derive(Debug, Serialize)]
pub struct MilestoneRow {
    pub key: String,
    pub title: String,
    pub system: String,
    pub badge: Badge,
    pub share: String,
    pub at: Option<Time>,
    pub received: Option<Time>,
    pub expected: Option<Due>,
    pub optional: bool,
}

#[derive(Debug, Serialize)]
pub struct PayloadLine {
    pub id: String,
    pub href: String,
    pub received: Time,
    pub source: String,
    pub system: String,
    pub titles: String,
    pub records: u64,
    pub badge: Badge,
    pub note: String,
}

pub fn detail(clock: &Clock, facts: &Facts<'_>) -> Detail {
    let Facts { tenant, workflow, events, .. } = *facts;
    let on = |tab: Tab| facts.tab == tab;
    let mut extras: Vec<String> = Vec::new();
    extras.extend(workflow.priority.iter().map(|text| format!("Priority {text}")));
    extras.extend(workflow.warehouse.iter().map(|text| format!("Warehouse {text}")));
    extras.extend(workflow.carrier.iter().map(|text| format!("Carrier {text}")));
    Detail {
        id: workflow.root.id.clone(),
        kind: words::title(&workflow.root.kind),
        definition: workflow.title.clone(),
        badge: status::of(workflow.status),
        customer: workflow.customer.clone().unwrap_or_default(),
        amount: workflow.amount.as_ref().map(words::money).unwrap_or_default(),
        facts: extras,
        created: clock.time(workflow.created_at.timestamp_millis()),
        as_of: facts.as_of_ms.map(|ms| clock.time(ms)),
        now_path: tab_path(tenant, workflow, facts.tab),
        sentence: sentence(clock, workflow, events),
        readiness: status::readiness(workflow.readiness.state.as_str()),
        reasons: reasons(workflow),
        track: workflow.milestones.iter().map(|milestone| step(clock, milestone)).collect(),
        stage: stage(workflow),
        tabs: tabs(facts),
        tab: facts.tab.title(),
        slas: slas(clock, workflow),
        exceptions: workflow.exceptions.iter().map(|exception| exception_row(tenant, clock, exception)).collect(),
        milestones: workflow.milestones.iter().map(|milestone| milestone_row(clock, milestone)).collect(),
        timeline: on(Tab::Timeline).then(|| timeline::draw(tenant, clock, workflow, events)),
        quantities: on(Tab::Quantities).then(|| quantities::matrix(tenant, clock, workflow, events)),
        documents: on(Tab::Documents).then(|| documents::graph(tenant, clock, workflow)),
        payloads: on(Tab::Payloads).then(|| payloads(tenant, clock, events, facts.failures)),
        activity: on(Tab::Activity).then(|| activity::activity(tenant, clock, workflow)),
        actions: Actions::default(),
        traces: on(Tab::Trace).then(|| trace::waterfall(tenant, clock, facts.spans)),
    }
}

impl Detail {
    #[must_use]
    pub fn with_actions(self, actions: Actions) -> Self {
        Self { actions, ..self }
    }
}

fn stage(workflow: &Workflow) -> String {
    let title = workflow.milestones.iter().find(|milestone| milestone.key == workflow.stage).map(|m| m.title.as_str());
    match title {
        Some(title) => format!("{} of {} · {title}", workflow.stage_number, workflow.milestones.len()),
        None => format!("0 of {} · not begun", workflow.milestones.len()),
    }
}

fn sentence(clock: &Clock, workflow: &Workflow, events: &[EventRow]) -> Sentence {
    let last_of = |system: &str| {
        let newest = events.iter().filter(|event| event.system == system).map(|event| event.occurred_ms).max();
        newest.map_or_else(
            || format!("{} has said nothing about it yet.", words::system(system)),
            |ms| format!("Last {} event {} ({}).", words::system(system), clock.text(ms), clock.ago(ms)),
        )
    };
    if let Some(blocked) = &workflow.blocked_by {
        let waiting = blocked.code == "waiting";
        let tone = match workflow.status {
            crate::domain::Status::Breached => "crit",
            crate::domain::Status::AtRisk => "risk",
            _ if waiting => "run",
            _ => "held",
        };
        return Sentence {
            tone,
            glyph: status::of(workflow.status).glyph,
            lead: if waiting { "Waiting:" } else { "Blocked:" }.into(),
            what: full_stop(&blocked.what),
            who: words::system(&blocked.who),
            due: blocked.by_when.map(|at| clock.due(at.timestamp_millis(), None)),
            since: Some(clock.time(blocked.since.timestamp_millis())),
            last: last_of(&blocked.who),
        };
    }
    let glyph = status::of(workflow.status).glyph;
    let Some(closed) = workflow.closed_at else {
        let what = "No system is waited for.".to_owned();
        return Sentence { glyph, lead: "Nothing blocks it.".into(), what, ..Sentence::default() };
    };
    let lead = format!("{}.", status::of(workflow.status).word);
    let took = words::duration((closed - workflow.created_at).num_milliseconds());
    let what = format!("Closed {} after {took}. Nobody has to act.", clock.text(closed.timestamp_millis()));
    Sentence { glyph, lead, what, ..Sentence::default() }
}

fn full_stop(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

fn reasons(workflow: &Workflow) -> Vec<Reason> {
    if matches!(workflow.readiness.state, ReadinessState::Paid | ReadinessState::Posted) {
        return Vec::new();
    }
    let reason = |reason: &crate::domain::Check| Reason {
        text: if reason.detail.is_empty() { words::title(&reason.code) } else { reason.detail.clone() },
        system: words::system(&reason.system),
    };
    workflow.readiness.reasons.iter().map(reason).collect()
}

fn step(clock: &Clock, milestone: &crate::domain::Milestone) -> Step {
    let (state, word) = match milestone.reached {
        Reached::Full => ("full", "reached"),
        Reached::Part => ("part", "reached in part"),
        Reached::No => ("no", "not yet"),
        Reached::Skipped => ("skip", "skipped"),
    };
    let when = milestone.at.map(|at| format!(" {}", clock.text(at.timestamp_millis()))).unwrap_or_default();
    Step { title: milestone.title.clone(), state, hint: format!("{}: {word}{when}", milestone.title) }
}

fn tab_path(tenant: &str, workflow: &Workflow, tab: Tab) -> String {
    let root = words::workflow_path(tenant, &workflow.root.kind, &workflow.root.id);
    if tab == Tab::Timeline { root } else { format!("{root}/{}", tab.key()) }
}

fn tabs(facts: &Facts<'_>) -> Vec<TabLink> {
    let suffix = facts.as_of_ms.map(|ms| format!("?as_of={}", Clock::iso(ms))).unwrap_or_default();
    let count = |tab: Tab| match tab {
        Tab::Timeline => facts.events.len(),
        Tab::Quantities => facts.workflow.lines.len(),
        Tab::Documents => facts.workflow.objects.len(),
        Tab::Payloads => payload_ids(facts.events, facts.failures).len(),
        Tab::Activity => facts.workflow.activity.len(),
        Tab::Trace => facts.spans.len(),
    };
    Tab::ALL
        .into_iter()
        .map(|tab| TabLink {
            title: tab.title(),
            href: format!("{}{suffix}", tab_path(facts.tenant, facts.workflow, tab)),
            count: words::count(count(tab) as u64),
            active: tab == facts.tab,
        })
        .collect()
}

fn slas(clock: &Clock, workflow: &Workflow) -> Vec<SlaRow> {
    let row = |sla: &crate::domain::Sla| {
        let (start, due) = (sla.started_at.timestamp_millis(), sla.due_at.timestamp_millis());
        let end = sla.ended_at.map_or(clock.now_ms, |at| at.timestamp_millis());
        let open = matches!(sla.verdict, Verdict::Open | Verdict::AtRisk | Verdict::Breached) && sla.ended_at.is_none();
        let whole = (due - start).max(1);
        let note = match sla.verdict {
            Verdict::Met | Verdict::MetLate => {
                format!("took {} of {}", words::duration(end - start), words::duration(whole))
            }
            Verdict::Cancelled => String::new(),
            _ => format!("{} of {} used", words::duration((end - start).max(0)), words::duration(whole)),
        };
        SlaRow {
            title: sla.title.clone(),
            badge: status::verdict(sla.verdict),
            due: clock.due(due, Some(sla.warn_at.timestamp_millis())),
            open,
            note,
            used: ((end - start).max(0) * 100 / whole).min(100) as u32,
            system: words::system(&sla.system),
        }
    };
    let mut rows: Vec<SlaRow> = workflow.slas.iter().map(row).collect();
    rows.sort_by_key(|row| (!row.open, row.due.ms));
    rows
}

fn exception_row(tenant: &str, clock: &Clock, exception: &crate::domain::Exception) -> ExceptionRow {
    ExceptionRow {
        title: words::title(&exception.kind),
        detail: exception.detail.clone(),
        since: clock.time(exception.since.timestamp_millis()),
        system: words::system(&exception.system),
        blocking: exception.blocking,
        object: words::Ref::object(tenant, &exception.object),
    }
}

fn milestone_row(clock: &Clock, milestone: &crate::domain::Milestone) -> MilestoneRow {
    let time = |at: chrono::DateTime<chrono::Utc>| clock.time(at.timestamp_millis());
    let late = match (milestone.at, milestone.received_at) {
        (Some(at), Some(received)) => (received - at).num_minutes() >= 5,
        _ => false,
    };
    let percent = (milestone.share * rust_decimal::Decimal::ONE_HUNDRED).round();
    MilestoneRow {
        key: milestone.key.clone(),
        title: milestone.title.clone(),
        system: words::system(milestone.by.as_deref().unwrap_or(&milestone.system)),
        badge: status::reached(milestone.reached),
        share: if milestone.reached == Reached::Part { format!("{percent} %") } else { String::new() },
        at: milestone.at.map(time),
        received: milestone.received_at.filter(|_| late).map(time),
        expected: milestone
            .expected_at
            .filter(|_| matches!(milestone.reached, Reached::No | Reached::Part))
            .map(|at| clock.due(at.timestamp_millis(), None)),
        optional: milestone.optional,
    }
}

fn payload_ids(events: &[EventRow], failures: &[FailureRow]) -> Vec<u64> {
    let mut ids: Vec<u64> = events.iter().map(|e| e.payload).chain(failures.iter().map(|f| f.payload)).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// One line per payload that spoke of this workflow, newest first.
fn payloads(tenant: &str, clock: &Clock, events: &[EventRow], failures: &[FailureRow]) -> Vec<PayloadLine> {
    let mut ids = payload_ids(events, failures);
    ids.reverse();
    let line = |id: u64| {
        let of_id: Vec<&EventRow> = events.iter().filter(|event| event.payload == id).collect();
        let failed: Vec<&FailureRow> = failures.iter().filter(|failure| failure.payload == id).collect();
        let received =
            of_id.iter().map(|e| e.received_ms).chain(failed.iter().map(|f| f.received_ms)).min().unwrap_or(0);
        let mut titles: Vec<String> = of_id.iter().map(|event| words::event_title(&event.event_type)).collect();
        titles.extend(failed.iter().map(|failure| words::event_title(&failure.event_type)));
        titles.sort();
        titles.dedup();
        let source =
            of_id.first().map_or_else(|| failed.first().map_or("", |f| f.source.as_str()), |e| e.source.as_str());
        // With one record the link goes straight to it.
        let index = match (of_id.as_slice(), failed.as_slice()) {
            ([one], []) => Some(one.index),
            ([], [one]) => Some(one.index),
            _ => None,
        };
        let key = words::payload_id(id, index);
        PayloadLine {
            href: words::tenant_path(tenant, &format!("payloads/{key}")),
            id: key,
            received: clock.time(received),
            source: source.to_owned(),
            system: of_id.first().map(|event| words::system(&event.system)).unwrap_or_default(),
            titles: titles.join(", "),
            records: (of_id.len() + failed.len()) as u64,
            badge: match (of_id.is_empty(), failed.is_empty()) {
                (_, true) => status::TAKEN,
                (true, false) => status::REFUSED,
                (false, false) => status::PARTLY,
            },
            note: failed.first().map(|failure| failure.detail.clone()).unwrap_or_default(),
        }
    };
    ids.into_iter().map(line).collect()
}
