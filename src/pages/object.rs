//! One object of any type: its state, what each system says of it, amounts, quantities, what it belongs to, and its
//! events.

mod told;

use milepost_ingest::ObjectRef;
use serde::Serialize;

use super::render::Page;
use super::status::{self, Badge};
use super::time::{Clock, Time};
use super::words;
use super::workflow::trace::{self, Traces};
use crate::store::rows::{EventRow, ObjectRow, SpanRow, WorkflowRow};
use told::Told;

#[derive(Debug, Serialize)]
pub struct Object {
    pub id: String,
    pub kind: String,
    pub badge: Badge,
    pub state: String,
    pub held: String,
    pub since: Option<Time>,
    pub first: Time,
    pub last: Time,
    pub told: Told,
    pub links: Vec<Links>,
    pub workflows: Vec<Root>,
    pub more_workflows: String,
    pub kind_href: String,
    pub events: Vec<Event>,
    pub traces: Traces,
}

impl Page for Object {
    const TEMPLATE: &'static str = "object.html";
}

/// Linked objects of one type.
#[derive(Debug, Serialize)]
pub struct Links {
    pub kind: String,
    pub objects: Vec<words::Ref>,
    pub more: String,
}

/// A workflow that it belongs to, with how it stands where that was asked.
#[derive(Debug, Serialize)]
pub struct Root {
    pub root: words::Ref,
    pub badge: Option<Badge>,
    pub stage: String,
}

#[derive(Debug, Serialize)]
pub struct Event {
    pub key: String,
    pub at: Time,
    pub received: Time,
    pub late: String,
    pub system: String,
    pub tone: &'static str,
    pub title: String,
    pub source: String,
    pub id: String,
    pub payload: String,
    pub payload_href: String,
    pub data: String,
}

const LATE_MS: i64 = 5 * 60_000;

pub fn object(tenant: &str, clock: &Clock, row: &ObjectRow, events: &[EventRow], spans: &[SpanRow]) -> Object {
    let mut lines: Vec<Event> = events.iter().map(|event| self::event(tenant, clock, event)).collect();
    lines.sort_by(|a, b| (b.at.ms, &b.key).cmp(&(a.at.ms, &a.key)));
    Object {
        id: row.object_id.clone(),
        kind: words::title(&row.object_type),
        badge: if row.held { status::HELD } else { status::KNOWN },
        state: if row.state.is_empty() { "only referred to".into() } else { row.state.replace('_', " ") },
        held: if row.held { waits(&row.waits_for) } else { String::new() },
        since: row.held.then(|| clock.time(row.held_since_ms)),
        first: clock.time(row.first_ms),
        last: clock.time(row.last_ms),
        told: told::told(tenant, clock, &ObjectRef::new(&*row.object_type, &*row.object_id), events),
        links: links(tenant, &row.links),
        workflows: row.workflows.iter().take(SHOWN).filter_map(|name| root(tenant, name)).collect(),
        more_workflows: more(row.workflows.len()),
        kind_href: words::tenant_path(tenant, &format!("objects?type={}", words::encode(&row.object_type))),
        events: lines,
        traces: trace::waterfall(tenant, clock, spans),
    }
}

fn waits(text: &str) -> String {
    match ObjectRef::parse(text) {
        Some(object) => format!("{} {}", object.kind.replace('_', " "), object.id),
        None => format!("a link to any {}", text.replace('_', " ")),
    }
}

impl Object {
    /// Says how the workflows stand.
    #[must_use]
    pub fn with_workflows(mut self, rows: &[WorkflowRow]) -> Self {
        for flow in &mut self.workflows {
            let is = |row: &&WorkflowRow| words::title(&row.root_type) == flow.root.kind && row.root_id == flow.root.id;
            if let Some(row) = rows.iter().find(is) {
                flow.badge = Some(status::workflow(&row.status));
                flow.stage = if row.stage_title.is_empty() { String::new() } else { row.stage_title.clone() };
            }
        }
        self
    }
}

/// Workflows and links of a type that are shown; the rest is counted.
pub const SHOWN: usize = 50;

fn more(all: usize) -> String {
    match all.saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("and {} more", words::count(more as u64)),
    }
}

fn root(tenant: &str, name: &str) -> Option<Root> {
    let object = ObjectRef::parse(name)?;
    let href = words::workflow_path(tenant, &object.kind, &object.id);
    let root = words::Ref { kind: words::title(&object.kind), href, id: object.id };
    Some(Root { root, badge: None, stage: String::new() })
}

fn links(tenant: &str, names: &[String]) -> Vec<Links> {
    let mut kinds: Vec<(&str, Vec<&String>)> = Vec::new();
    for name in names {
        let kind = name.split('/').next().unwrap_or_default();
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, all)) => all.push(name),
            None => kinds.push((kind, vec![name])),
        }
    }
    let of = |(kind, names): (&str, Vec<&String>)| Links {
        kind: words::title(kind),
        objects: names.iter().take(SHOWN).map(|name| words::Ref::stored(tenant, name)).collect(),
        more: more(names.len()),
    };
    kinds.into_iter().map(of).collect()
}

fn event(tenant: &str, clock: &Clock, event: &EventRow) -> Event {
    let late = event.received_ms - event.occurred_ms;
    let payload = words::payload_id(event.payload, Some(event.index));
    Event {
        key: format!("{} {}", event.source, event.event_id),
        at: clock.time(event.occurred_ms),
        received: clock.time(event.received_ms),
        late: if late > LATE_MS { words::duration(late) } else { String::new() },
        system: words::system(&event.system),
        tone: words::lane(&event.system),
        title: words::event_title(&event.event_type),
        source: event.source.clone(),
        id: event.event_id.clone(),
        payload_href: words::tenant_path(tenant, &format!("payloads/{payload}")),
        payload,
        data: words::cut(&event.data, 2000),
    }
}
