//! The exceptions of one tenant on their way to the store: what was last written of each, so that only what changed is
//! written again, and what is no longer there is closed.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, TimeDelta, Utc};
use milepost_ingest::ObjectRef;
use rustc_hash::FxHashMap;
use twox_hash::XxHash3_64;

use super::snapshot::scaled;
use crate::domain::{
    Case, CaseState, Circumstances, Definitions, Exception, Fact, Graph, Impact, Money, Node, Standing, Workflow, cases,
};
use crate::store::rows::ExceptionRow;

/// Orders that the impact of one exception is added up over; more are counted only.
const MAX_WEIGHED: usize = 1_000;

#[derive(Default)]
pub struct Raised {
    /// By hash of the root.
    known: FxHashMap<u64, Told>,
    rows: Vec<ExceptionRow>,
    gone: Vec<Gone>,
    /// By id of an exception: the object that waits, and when it was last seen to.
    waiting: FxHashMap<u64, (ObjectRef, DateTime<Utc>)>,
}

/// What was told of one root.
#[derive(Default)]
struct Told {
    /// When the last that was heard of it then had been received; None for what the store says.
    heard: Option<DateTime<Utc>>,
    exceptions: Vec<Known>,
}

#[derive(Clone, Copy)]
struct Known {
    id: u64,
    mark: u64,
    open: bool,
    /// How often it went without a rule that tells of it any more.
    gone: u32,
}

/// How an exception ended that no event ended: time, forecasts or other rules did.
pub const OTHERWISE: &str = "no_longer_so";

/// An exception that was open and that no rule tells of any more, with the event that took it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    pub id: String,
    pub at_ms: i64,
    pub by: String,
    pub kind: String,
}

impl Gone {
    /// The row of an exception that ends so.
    pub fn close(&self, mut row: ExceptionRow, version: u64) -> ExceptionRow {
        (row.state, row.closed) = (CaseState::Closed.as_str().to_owned(), true);
        (row.closed_ms, row.closed_by, row.closed_kind) = (Some(self.at_ms), self.by.clone(), self.kind.clone());
        (row.until_ms, row.acknowledge_by_ms) = (None, None);
        row.version = version;
        row.mark = mark_of(&row);
        row
    }
}

/// An exception above workflows, and how often it has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    pub exception: Exception,
    pub occurrence: u32,
    pub impact: Impact,
    /// The object that has waited longest, of one that is about waiting.
    pub waits: Option<ObjectRef>,
}

impl Watched {
    pub fn new(exception: Exception) -> Self {
        Self { exception, occurrence: 1, impact: Impact::default(), waits: None }
    }
}

/// What a workflow's exceptions are written with.
pub struct Settling<'a> {
    pub tenant: &'a str,
    pub definitions: &'a Definitions,
    pub graph: &'a Graph,
    pub as_of: DateTime<Utc>,
    pub version: u64,
}

impl Raised {
    /// What the store has of an exception.
    pub fn remember(&mut self, id: &str, root: u64, mark: u64, open: bool) {
        let told = self.known.entry(root).or_default();
        let id = number(id);
        told.exceptions.retain(|known| known.id != id);
        told.exceptions.push(Known { id, mark, open, gone: 0 });
    }

    /// A workflow that leaves memory.
    pub fn forget(&mut self, root: u64) {
        self.known.remove(&root);
    }

    /// Rows to write and ids to close, since the last time.
    pub fn take(&mut self) -> (Vec<ExceptionRow>, Vec<Gone>) {
        let open: BTreeSet<&str> = self.rows.iter().filter(|r| !r.closed).map(|r| r.id.as_str()).collect();
        self.gone.retain(|gone| !open.contains(gone.id.as_str()));
        (std::mem::take(&mut self.rows), std::mem::take(&mut self.gone))
    }

    /// Notes what a workflow has; gives when time alone will change it.
    pub fn settle(&mut self, settling: &Settling<'_>, workflow: &Workflow) -> Option<DateTime<Utc>> {
        let root = hash_of(&workflow.root);
        if workflow.exceptions.is_empty() && workflow.cured.is_empty() && !self.known.contains_key(&root) {
            return None;
        }
        let graph = settling.graph;
        let mut episodes: Vec<Exception> = Vec::new();
        let mut shared: Vec<(ObjectRef, Vec<ObjectRef>)> = Vec::new();
        for exception in workflow.exceptions.iter().chain(&workflow.cured) {
            if exception.object != workflow.root {
                let roots = match shared.iter().find(|(object, _)| *object == exception.object) {
                    Some((_, roots)) => roots.clone(),
                    None => {
                        let roots = match graph.standing(settling.definitions, &exception.object) {
                            Standing::Joined(roots) => roots,
                            _ => Vec::new(),
                        };
                        let roots: Vec<ObjectRef> =
                            roots.into_iter().filter(|r| r.kind == workflow.root.kind).collect();
                        shared.push((exception.object.clone(), roots.clone()));
                        roots
                    }
                };
                // Several workflows tell of it: the first of them carries it.
                if roots.first().is_some_and(|first| *first != workflow.root) {
                    continue;
                }
            }
            episodes.push(exception.clone());
        }
        let others = shared.iter().flat_map(|(_, roots)| roots.iter().take(MAX_WEIGHED));
        let concerned: BTreeSet<&ObjectRef> = workflow.objects.iter().map(|m| &m.object).chain(others).collect();
        let told: Vec<(bool, Vec<Fact>)> = concerned
            .iter()
            .filter_map(|object| graph.get(object))
            .filter(|object| object.has_acts())
            .map(|object| (true, object.told().1))
            .collect();
        let acts: Vec<&Fact> = told.iter().flat_map(|(_, acts)| acts).collect();
        let members = workflow.objects.iter().filter_map(|m| graph.get(&m.object));
        let said: Vec<Fact> = members.flat_map(|o| o.facts()).filter(|f| !f.is_act()).collect();
        let facts: Vec<&Fact> = if acts.is_empty() { Vec::new() } else { said.iter().collect() };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let (customer, warehouse, carrier) =
            (text(&workflow.customer), text(&workflow.warehouse), text(&workflow.carrier));
        let around = Circumstances {
            catalogue: &settling.definitions.exceptions,
            acts: &acts,
            facts: &facts,
            customer: &customer,
            warehouse: &warehouse,
            carrier: &carrier,
            as_of: settling.as_of,
        };
        let stand = cases(&episodes, &around);
        let wake = stand.iter().filter_map(|case| case.until).filter(|at| *at > settling.as_of).min();
        let own = Impact::of_one(workflow.customer.as_deref(), workflow.amount.as_ref());
        let rows: Vec<ExceptionRow> = stand
            .iter()
            .map(|case| {
                let of = shared.iter().find(|(object, roots)| *object == case.exception.object && roots.len() > 1);
                let impact = of.map_or_else(|| own.clone(), |(_, roots)| impact(graph, roots));
                let mut row = row(settling.tenant, case, &impact, settling.version);
                (row.root_type, row.root_id) = (workflow.root.kind.clone(), workflow.root.id.clone());
                (row.customer, row.warehouse, row.carrier) = (customer.clone(), warehouse.clone(), carrier.clone());
                let speaking = said.iter().filter(|f| *f.system == *case.exception.system);
                let feeds: BTreeSet<&str> = speaking.map(|f| &*f.source).collect();
                row.feeds = feeds.into_iter().map(str::to_owned).collect();
                row.mark = mark_of(&row);
                row
            })
            .collect();
        let heard = said.iter().chain(acts.iter().copied()).map(|fact| fact.received_at).max();
        let before = self.known.get(&root);
        let (by, kind, at) =
            match before.filter(|told| told.miss(&rows)).and_then(|told| news(graph, workflow, told.heard)) {
                Some(fact) => (format!("{} {}", fact.source, fact.id), fact.kind.to_string(), fact.received_at),
                None => (String::new(), OTHERWISE.to_owned(), settling.as_of),
            };
        let end = |id: String| Gone { id, at_ms: at.timestamp_millis(), by: by.clone(), kind: kind.clone() };
        self.note(root, rows, heard, end);
        wake
    }

    /// A workflow that turned out to be another one: what was open in it is that one's to tell.
    pub fn merged(&mut self, root: u64, at: DateTime<Utc>) {
        let end = |id: String| Gone {
            id,
            at_ms: at.timestamp_millis(),
            by: String::new(),
            kind: "object.aliased".to_owned(),
        };
        self.note(root, Vec::new(), None, end);
    }

    /// Notes what stands above workflows: everything of the tenant that is there now.
    pub fn watch(&mut self, settling: &Settling<'_>, found: &[Watched]) {
        let mut rows = Vec::new();
        for watched in found {
            let object = settling.graph.get(&watched.exception.object);
            let acts = object.map(|o| o.told().1).unwrap_or_default();
            let acts: Vec<&Fact> = acts.iter().collect();
            let around = Circumstances {
                catalogue: &settling.definitions.exceptions,
                acts: &acts,
                facts: &[],
                customer: "",
                warehouse: "",
                carrier: "",
                as_of: settling.as_of,
            };
            for case in cases(std::slice::from_ref(&watched.exception), &around) {
                let mut row = row(settling.tenant, &case, &watched.impact, settling.version);
                row.occurrence = watched.occurrence.max(1);
                row.mark = mark_of(&row);
                rows.push(row);
            }
        }
        let waiting = std::mem::take(&mut self.waiting);
        let end = |id: String| {
            let link = waiting.get(&number(&id)).and_then(|(object, seen)| link(settling, object, *seen));
            let otherwise = Gone {
                id: String::new(),
                at_ms: settling.as_of.timestamp_millis(),
                by: String::new(),
                kind: OTHERWISE.to_owned(),
            };
            Gone { id, ..link.unwrap_or(otherwise) }
        };
        self.note(ABOVE, rows, None, end);
        let still = |watched: &Watched| Some((number(&watched.exception.id), (watched.waits.clone()?, settling.as_of)));
        self.waiting = found.iter().filter_map(still).collect();
    }

    fn note(&mut self, root: u64, rows: Vec<ExceptionRow>, heard: Option<DateTime<Utc>>, end: impl Fn(String) -> Gone) {
        let before = self.known.remove(&root).unwrap_or_default().exceptions;
        let mut now = Vec::with_capacity(rows.len());
        for mut row in rows {
            let id = number(&row.id);
            let known = before.iter().find(|b| b.id == id);
            let gone = known.map_or(0, |b| b.gone);
            if gone > 0 {
                // It came again after it had gone without an episode of its own.
                row.occurrence = row.occurrence.saturating_add(gone);
                row.mark = mark_of(&row);
            }
            now.push(Known { id, mark: row.mark, open: !row.closed, gone });
            if known.is_none_or(|b| b.mark != row.mark) {
                self.rows.push(row);
            }
        }
        for gone in before.iter().filter(|b| !now.iter().any(|n| n.id == b.id)).copied().collect::<Vec<_>>() {
            if gone.open {
                self.gone.push(end(format!("{:016x}", gone.id)));
            }
            // What stands above workflows is counted by who found it.
            if root != ABOVE && (gone.open || gone.gone > 0) {
                now.push(Known { mark: 0, open: false, gone: gone.gone + u32::from(gone.open), ..gone });
            }
        }
        if !now.is_empty() {
            self.known.insert(root, Told { heard, exceptions: now });
        }
    }
}

impl Told {
    /// One that was open is not among these.
    fn miss(&self, rows: &[ExceptionRow]) -> bool {
        self.exceptions.iter().any(|known| known.open && !rows.iter().any(|row| number(&row.id) == known.id))
    }
}

/// The last that came since a moment, also about what a void or a correction took out of the workflow. None when
/// nothing came: then no event took anything away.
fn news(graph: &Graph, workflow: &Workflow, heard: Option<DateTime<Utc>>) -> Option<Fact> {
    let all = workflow.stored.iter().filter_map(|object| graph.get(object)).flat_map(|object| object.facts());
    let last = all.max_by(|a, b| (a.received_at, a.order()).cmp(&(b.received_at, b.order())))?;
    heard.is_none_or(|at| last.received_at > at).then_some(last)
}

/// With which event an object that waited found its place: the first after it was last seen to wait that speaks of it, of
/// what it is linked with, or of where it belongs now.
fn link(settling: &Settling<'_>, object: &ObjectRef, seen: DateTime<Utc>) -> Option<Gone> {
    let waited = settling.graph.get(object)?;
    let mut near = waited.links();
    if let Standing::Joined(roots) = settling.graph.standing(settling.definitions, object) {
        near.extend(roots);
    }
    let facts = near.iter().filter_map(|other| settling.graph.get(other)).flat_map(|other| other.facts());
    let (told, acts) = waited.told();
    let all = facts.filter(|fact| !fact.is_act()).chain(told.iter().cloned()).chain(acts);
    let first = all
        .filter(|fact| fact.received_at > seen - LOOKED_LATE)
        .min_by(|a, b| (a.received_at, a.order()).cmp(&(b.received_at, b.order())))?;
    let (at_ms, by) = (first.received_at.timestamp_millis(), format!("{} {}", first.source, first.id));
    Some(Gone { id: String::new(), at_ms, by, kind: first.kind.to_string() })
}

/// What is looked at in the store may be so much older than what has been heard.
const LOOKED_LATE: TimeDelta = TimeDelta::seconds(5);

/// In the place of a root for what stands above workflows.
pub const ABOVE: u64 = 0;

/// What all of these orders put at stake.
fn impact(graph: &Graph, roots: &[ObjectRef]) -> Impact {
    let mut impact = Impact::default();
    for root in roots.iter().take(MAX_WEIGHED) {
        let node = Node::alone(graph, root);
        let customer = node.latest(|f| f.detail.head.as_ref()?.customer.clone());
        impact.add(customer.as_deref(), node.amount().as_ref());
    }
    impact.orders = u32::try_from(roots.len()).unwrap_or(u32::MAX);
    impact
}

fn row(tenant: &str, case: &Case, impact: &Impact, version: u64) -> ExceptionRow {
    let exception = &case.exception;
    let ms = |at: DateTime<Utc>| at.timestamp_millis();
    let mut money: Vec<&Money> = impact.money.iter().collect();
    money.sort_by(|a, b| b.value.cmp(&a.value).then_with(|| a.currency.cmp(&b.currency)));
    let cured = exception.cured.as_ref();
    let event = cured.and_then(|c| c.event.as_ref());
    ExceptionRow {
        tenant: tenant.to_owned(),
        id: exception.id.clone(),
        kind: exception.kind.clone(),
        severity: case.severity.as_str().to_owned(),
        object_type: exception.object.kind.clone(),
        object_id: exception.object.id.clone(),
        root_type: String::new(),
        root_id: String::new(),
        detail: exception.detail.clone(),
        system: exception.system.clone(),
        feeds: Vec::new(),
        blocking: exception.blocking,
        since_ms: ms(exception.since),
        known_ms: ms(exception.known_at),
        state: case.state.as_str().to_owned(),
        closed: case.state == CaseState::Closed,
        closed_ms: cured.map(|c| ms(c.at)),
        closed_by: event.map_or_else(String::new, |e| format!("{} {}", e.source, e.id)),
        closed_kind: cured.map_or_else(String::new, |c| c.kind.clone()),
        occurrence: case.occurrence,
        owner: case.owner.clone(),
        team: case.team.clone(),
        reason: case.reason.clone(),
        comments: case.comments,
        until_ms: case.until.map(ms),
        acknowledge_by_ms: case.acknowledge_by.map(ms),
        resolve_by_ms: case.resolve_by.map(ms),
        orders: impact.orders,
        customers: u32::try_from(impact.customers.len()).unwrap_or(u32::MAX),
        amount: money.first().and_then(|m| scaled(m)),
        currency: money.first().map_or_else(String::new, |m| m.currency.clone()),
        money: money.iter().map(|m| format!("{} {}", m.value.normalize(), m.currency)).collect(),
        version,
        ..ExceptionRow::default()
    }
}

/// Of all that a row says, but for when it is said.
fn mark_of(row: &ExceptionRow) -> u64 {
    let ExceptionRow { tenant, id, kind, severity, object_type, object_id, root_type, root_id, detail, system, .. } =
        row;
    let ExceptionRow { feeds, blocking, since_ms, known_ms, state, closed, closed_ms, closed_by, closed_kind, .. } =
        row;
    let ExceptionRow { occurrence, owner, team, reason, comments, until_ms, acknowledge_by_ms, resolve_by_ms, .. } =
        row;
    let ExceptionRow { customer, warehouse, carrier, orders, customers, amount, currency, money, .. } = row;
    let mut hasher = DefaultHasher::new();
    (tenant, id, kind, severity, object_type, object_id, root_type, root_id, detail, system).hash(&mut hasher);
    (feeds, blocking, since_ms, known_ms, state, closed, closed_ms, closed_by, closed_kind).hash(&mut hasher);
    (occurrence, owner, team, reason, comments, until_ms, acknowledge_by_ms, resolve_by_ms).hash(&mut hasher);
    (customer, warehouse, carrier, orders, customers, amount, currency, money).hash(&mut hasher);
    hasher.finish()
}

/// Of its name, as the store makes it too: `xxh3('type/id')`.
pub fn hash_of(object: &ObjectRef) -> u64 {
    XxHash3_64::oneshot(object.to_string().as_bytes())
}

fn number(id: &str) -> u64 {
    u64::from_str_radix(id, 16).unwrap_or_default()
}
