//! From derived clocks to their rows, and what was written of them before: only what changed is written, what is no
//! more is told so, and when a breach was first seen is kept.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use rustc_hash::{FxHashMap, FxHasher};

use super::snapshot;
use crate::domain::{Reached, Sla, Status, Verdict, Workflow};
use crate::store::StoredSla;
use crate::store::rows::{PathRow, SlaRow};

/// A breach that is seen so long after it could be seen was missed while it happened.
const LATE_MS: i64 = 10_000;

/// What is in the store of the clocks of open workflows.
#[derive(Default)]
pub struct Written {
    by_root: FxHashMap<u64, Root>,
    /// When each running or past breach was first seen.
    seen: FxHashMap<u64, Seen>,
    policies: Vec<Arc<str>>,
}

#[derive(Default)]
struct Root {
    clocks: Box<[Known]>,
    path: u64,
    /// Of its own row.
    flow: u64,
}

struct Known {
    mark: u64,
    /// None for the root itself.
    object: Option<Box<ObjectRef>>,
    policy: u16,
}

#[derive(Clone)]
struct Seen {
    /// None for what came in when it was over already.
    at_ms: Option<i64>,
    late: bool,
    cause: Arc<str>,
}

/// Rows that a workflow's new state asks for.
#[derive(Default)]
pub struct Rows {
    pub slas: Vec<SlaRow>,
    pub path: Option<PathRow>,
    /// Of the path, new or not.
    pub path_mark: u64,
}

impl Written {
    /// Takes up what the store has of a workflow itself.
    pub fn recall_flow(&mut self, root: &ObjectRef, mark: u64) {
        self.by_root.entry(root_hash(root)).or_default().flow = mark;
    }

    /// Whether the store has this of a workflow; from now on it has.
    pub fn has_flow(&mut self, root: &ObjectRef, mark: u64) -> bool {
        let known = self.by_root.entry(root_hash(root)).or_default();
        std::mem::replace(&mut known.flow, mark) == mark
    }

    /// Takes up what the store has.
    pub fn recall(&mut self, row: StoredSla) {
        let root = ObjectRef::new(row.root_type, row.root_id);
        let object = ObjectRef::new(row.object_type, row.object_id);
        let Some(policy) = self.policy(&row.policy) else { return };
        if !row.cause.is_empty() {
            let seen = Seen { at_ms: row.detected_ms, late: row.detected_late, cause: row.cause.into() };
            self.seen.insert(clock_hash(&root, policy, &object), seen);
        }
        let known = self.by_root.entry(root_hash(&root)).or_default();
        let object = if object == root { None } else { Some(Box::new(object)) };
        let mut clocks = std::mem::take(&mut known.clocks).into_vec();
        clocks.retain(|c| (c.policy, &c.object) != (policy, &object));
        clocks.push(Known { mark: row.mark, object, policy });
        known.clocks = clocks.into();
    }

    /// Forgets a workflow that leaves memory.
    pub fn forget(&mut self, root: &ObjectRef) {
        let Some(known) = self.by_root.remove(&root_hash(root)) else { return };
        for clock in &known.clocks {
            self.seen.remove(&clock_hash(root, clock.policy, clock.object.as_deref().unwrap_or(root)));
        }
    }

    /// What is new of a workflow. `missed` is whether a breach that is seen late was missed, in contrast to one that new
    /// rules brought about.
    pub fn rows(&mut self, tenant: &str, workflow: &Workflow, version: u64, missed: bool) -> Rows {
        let root = &workflow.root;
        let mut rows = Rows::default();
        let old = self.by_root.remove(&root_hash(root)).unwrap_or_default();
        let mut clocks: Vec<Known> = Vec::with_capacity(workflow.slas.len());
        for sla in &workflow.slas {
            let Some(policy) = self.policy(&sla.policy) else { continue };
            let seen = self.look(workflow, sla, policy, missed);
            let mut row = row(tenant, workflow, sla, seen.as_ref());
            row.mark = mark(&row);
            let object = if sla.object == *root { None } else { Some(Box::new(sla.object.clone())) };
            let before = old.clocks.iter().find(|c| (c.policy, &c.object) == (policy, &object));
            let known = Known { mark: row.mark, object, policy };
            if before.is_none_or(|before| before.mark != row.mark) {
                rows.slas.push(SlaRow { version, ..row });
            }
            clocks.push(known);
        }
        for gone in old.clocks.iter().filter(|o| !clocks.iter().any(|c| (c.policy, &c.object) == (o.policy, &o.object)))
        {
            rows.slas.push(SlaRow { version, ..self.gone(tenant, workflow, gone) });
        }
        let path = path(tenant, workflow, version);
        let path_mark = path_mark(&path);
        rows.path_mark = path_mark;
        if path_mark != old.path && !path.steps.is_empty() {
            rows.path = Some(path);
        }
        self.by_root.insert(root_hash(root), Root { clocks: clocks.into(), path: path_mark, flow: old.flow });
        rows
    }

    /// When the breach of a clock was first seen, and what stood in the way then.
    fn look(&mut self, workflow: &Workflow, sla: &Sla, policy: u16, missed: bool) -> Option<Seen> {
        let key = clock_hash(&workflow.root, policy, &sla.object);
        if let Some(seen) = self.seen.get(&key) {
            return Some(seen.clone());
        }
        if sla.verdict == Verdict::MetLate {
            let seen = Seen { at_ms: None, late: false, cause: cause(workflow, sla).into() };
            self.seen.insert(key, seen.clone());
            return Some(seen);
        }
        if sla.verdict != Verdict::Breached {
            return None;
        }
        let could = sla.due_at.max(sla.known_at).timestamp_millis();
        let at_ms = workflow.as_of.timestamp_millis();
        let late = missed && at_ms - could > LATE_MS;
        let seen = Seen { at_ms: Some(at_ms), late, cause: cause(workflow, sla).into() };
        self.seen.insert(key, seen.clone());
        Some(seen)
    }

    fn gone(&self, tenant: &str, workflow: &Workflow, gone: &Known) -> SlaRow {
        let object = gone.object.as_deref().unwrap_or(&workflow.root);
        SlaRow {
            tenant: tenant.to_owned(),
            root_type: workflow.root.kind.clone(),
            root_id: workflow.root.id.clone(),
            definition: workflow.definition.clone(),
            policy: self.policies.get(usize::from(gone.policy)).map_or_else(String::new, |p| p.to_string()),
            object_type: object.kind.clone(),
            object_id: object.id.clone(),
            verdict: "gone".to_owned(),
            ..SlaRow::default()
        }
    }

    /// A short number for a policy; None when there are impossibly many.
    fn policy(&mut self, name: &str) -> Option<u16> {
        let place = match self.policies.iter().position(|p| **p == *name) {
            Some(place) => place,
            None => {
                self.policies.push(name.into());
                self.policies.len() - 1
            }
        };
        u16::try_from(place).ok()
    }
}

/// What stood in the way: an exception that blocks, else any, else the step that took longest of the clock's way.
fn cause(workflow: &Workflow, sla: &Sla) -> String {
    let real = |e: &&crate::domain::Exception| !e.kind.starts_with("sla_") && e.since <= sla.due_at.max(sla.warn_at);
    if let Some(exception) = workflow.exceptions.iter().find(real) {
        return exception.kind.clone();
    }
    let place = |key: &str| workflow.milestones.iter().position(|m| m.key == key);
    let (Some(from), Some(to)) = (place(&sla.from), place(&sla.to)) else {
        return format!("system/{}", sla.system);
    };
    let way = workflow.milestones.get(from + 1..=to).unwrap_or_default();
    if let Some(waiting) = way.iter().find(|m| !m.optional && matches!(m.reached, Reached::No | Reached::Part)) {
        return format!("step/{}", waiting.key);
    }
    let mut last = sla.started_at;
    let mut longest = (chrono::TimeDelta::zero(), sla.to.as_str());
    for step in way {
        let Some(at) = step.at.filter(|_| step.reached == Reached::Full) else { continue };
        if at - last > longest.0 {
            longest = (at - last, &step.key);
        }
        last = last.max(at);
    }
    format!("step/{}", longest.1)
}

fn row(tenant: &str, workflow: &Workflow, sla: &Sla, seen: Option<&Seen>) -> SlaRow {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let ms = |at: DateTime<Utc>| at.timestamp_millis();
    let reckoning = &sla.arithmetic;
    let stops = reckoning.stops.iter();
    let still = sla.standing_since;
    // While it stands still nothing of a row moves with the time: it is told as of the moment at which it stopped.
    let as_of = still.unwrap_or_else(|| sla.ended_at.unwrap_or(workflow.as_of).min(sla.due_at));
    let due = match still {
        Some(since) => reckoning.reach(reckoning.allowed, since).map_or(sla.due_at, |(at, _)| at),
        None => sla.due_at,
    };
    let first = sla.first_known.map_or("", Verdict::as_str);
    SlaRow {
        tenant: tenant.to_owned(),
        root_type: workflow.root.kind.clone(),
        root_id: workflow.root.id.clone(),
        definition: workflow.definition.clone(),
        policy: sla.policy.clone(),
        object_type: sla.object.kind.clone(),
        object_id: sla.object.id.clone(),
        variant: sla.case.clone(),
        kind: sla.kind.as_str().to_owned(),
        title: sla.title.clone(),
        why: sla.why.clone(),
        from_step: sla.from.clone(),
        to_step: sla.to.clone(),
        system: sla.system.clone(),
        customer: text(&workflow.customer),
        warehouse: text(&workflow.warehouse),
        carrier: text(&workflow.carrier),
        lane: text(&workflow.lane),
        priority: text(&workflow.priority),
        amount: workflow.amount.as_ref().and_then(snapshot::scaled),
        currency: workflow.amount.as_ref().map_or_else(String::new, |m| m.currency.clone()),
        calendar: reckoning.calendar.key.clone(),
        started_ms: ms(sla.started_at),
        known_ms: ms(sla.known_at),
        limit_ms: reckoning.allowed.num_milliseconds(),
        paused_ms: if reckoning.stops.is_empty() { 0 } else { reckoning.paused(as_of).num_milliseconds() },
        pauses: stops.flat_map(|s| [ms(s.from), s.to.map_or(0, ms)]).collect(),
        paused_since_ms: still.map(ms),
        warn_ms: ms(sla.warn_at.min(due)),
        due_ms: ms(due),
        ended_ms: sla.ended_at.map(ms),
        verdict: sla.verdict.as_str().to_owned(),
        first_verdict: first.to_owned(),
        open: sla.is_open(),
        breaches: sla.breaches,
        detected_ms: seen.and_then(|seen| seen.at_ms),
        detected_late: seen.is_some_and(|seen| seen.late),
        cause: seen.map_or_else(String::new, |seen| seen.cause.to_string()),
        forecast_ms: sla.forecast.as_ref().map(|f| ms(f.at)),
        forecast_n: sla.forecast.as_ref().map_or(0, |f| f.sample),
        waived_by: sla.waiver.as_ref().map_or_else(String::new, |w| w.by.clone()),
        waived_reason: sla.waiver.as_ref().map_or_else(String::new, |w| w.reason.clone()),
        mark: 0,
        version: 0,
    }
}

fn path(tenant: &str, workflow: &Workflow, version: u64) -> PathRow {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let full = workflow.milestones.iter().filter(|m| m.reached == Reached::Full);
    let mut steps: Vec<(i64, &str)> = full.filter_map(|m| Some((m.at?.timestamp_millis(), m.key.as_str()))).collect();
    // Steps of one moment stay in the order of the definition.
    steps.sort_by_key(|(at, _)| *at);
    let landmarks = workflow.landmarks();
    let ms = |at: Option<DateTime<Utc>>| at.map_or(0, |at| at.timestamp_millis());
    PathRow {
        tenant: tenant.to_owned(),
        definition: workflow.definition.clone(),
        root_type: workflow.root.kind.clone(),
        root_id: workflow.root.id.clone(),
        customer: text(&workflow.customer),
        warehouse: text(&workflow.warehouse),
        carrier: text(&workflow.carrier),
        lane: text(&workflow.lane),
        priority: text(&workflow.priority),
        created_ms: workflow.created_at.timestamp_millis(),
        closed: workflow.closed_at.is_some(),
        steps: steps.iter().map(|(_, key)| (*key).to_owned()).collect(),
        times: steps.iter().map(|(at, _)| *at).collect(),
        delivered_ms: ms(landmarks.delivered_at),
        proved_ms: ms(landmarks.proved_at),
        ready_ms: ms(landmarks.ready_at),
        invoiced_ms: ms(landmarks.invoiced_at),
        paid_ms: ms(landmarks.paid_at),
        amount: workflow.amount.as_ref().and_then(snapshot::scaled),
        currency: workflow.amount.as_ref().map_or_else(String::new, |m| m.currency.clone()),
        cancelled: workflow.status == Status::Cancelled,
        promise: landmarks.promise.map_or_else(String::new, |promise| promise.as_str().to_owned()),
        version,
    }
}

fn mark(row: &SlaRow) -> u64 {
    let mut hasher = FxHasher::default();
    (&row.variant, &row.title, &row.why, &row.system, &row.customer, &row.warehouse, &row.carrier).hash(&mut hasher);
    (&row.lane, &row.priority, row.amount, &row.currency, &row.calendar).hash(&mut hasher);
    (row.started_ms, row.known_ms, row.limit_ms, row.paused_ms, &row.pauses, row.paused_since_ms).hash(&mut hasher);
    (row.warn_ms, row.due_ms, row.ended_ms, &row.verdict, &row.first_verdict, row.breaches).hash(&mut hasher);
    (row.detected_ms, row.detected_late, &row.cause, &row.waived_by, &row.waived_reason).hash(&mut hasher);
    hasher.finish() | 1
}

fn path_mark(row: &PathRow) -> u64 {
    let mut hasher = FxHasher::default();
    (&row.customer, &row.warehouse, &row.carrier, &row.lane, row.closed, &row.steps, &row.times).hash(&mut hasher);
    (row.proved_ms, row.amount, &row.currency, row.cancelled, &row.promise).hash(&mut hasher);
    hasher.finish() | 1
}

fn root_hash(root: &ObjectRef) -> u64 {
    let mut hasher = FxHasher::default();
    root.hash(&mut hasher);
    hasher.finish()
}

fn clock_hash(root: &ObjectRef, policy: u16, object: &ObjectRef) -> u64 {
    let mut hasher = FxHasher::default();
    (root, policy, object).hash(&mut hasher);
    hasher.finish()
}
