//! One object of any type: its state, what each system says of it, amounts, quantities, what it belongs to, and its
//! events.

pub mod past;
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
    /// The moment that was asked for; none is now.
    pub as_of: Option<Time>,
    pub badge: Badge,
    pub state: String,
    pub held: String,
    pub since: Option<Time>,
    pub first: Time,
    pub last: Time,
    pub told: Told,
    pub links: Vec<Links>,
    /// Other numbers that it is known by.
    pub aliases: Vec<String>,
    /// Where forms about it are sent.
    pub path: String,
    pub is_held: bool,
    /// What people did by hand and can take back.
    pub deeds: Vec<Done>,
    pub workflows: Vec<Root>,
    pub more_workflows: String,
    pub kind_href: String,
    pub events: Vec<Event>,
    pub traces: Traces,
}

impl Page for Object {
    const TEMPLATE: &'static str = "object.html";
}

/// Something done by hand.
#[derive(Debug, Serialize)]
pub struct Done {
    pub id: String,
    pub by: String,
    pub what: String,
    pub other: Option<words::Ref>,
    pub reason: String,
    pub at: Time,
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
        as_of: None,
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
        aliases: row.aliases.clone(),
        path: words::object_path(tenant, &row.object_type, &row.object_id),
        is_held: row.held,
        deeds: deeds(tenant, clock, events),
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

/// Every name under which events about it are stored: `wms:W-7` is told as W-7.
pub fn names(row: &ObjectRow) -> Vec<ObjectRef> {
    let ids = row.aliases.iter().flat_map(|a| [Some(a.as_str()), a.split_once(':').map(|(_, id)| id)]).flatten();
    let ids = std::iter::once(row.object_id.as_str()).chain(ids);
    ids.map(|id| ObjectRef::new(&*row.object_type, id)).collect()
}

fn deeds(tenant: &str, clock: &Clock, events: &[EventRow]) -> Vec<Done> {
    let word = |event: &EventRow, name: &str| {
        let data: serde_json::Value = serde_json::from_str(&event.data).unwrap_or_default();
        data.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
    };
    let acts: Vec<&EventRow> = events.iter().filter(|e| e.system == milepost_ingest::ACTING_SYSTEM).collect();
    let voided: Vec<String> =
        acts.iter().filter(|e| e.event_type == "event.voided").map(|e| word(e, "event")).collect();
    let by_hand = |e: &&&EventRow| {
        let kinds =
            ["object.linked", "object.unlinked", "object.merged", "object.aliased", "held.released", "held.discarded"];
        kinds.contains(&e.event_type.as_str()) && !voided.contains(&e.event_id)
    };
    let done = |event: &&EventRow| Done {
        id: event.event_id.clone(),
        by: words::actor(&event.source),
        what: words::event_title(&event.event_type).to_lowercase(),
        other: event.refs.first().map(|other| words::Ref::stored(tenant, other)),
        reason: word(event, "reason"),
        at: clock.time(event.occurred_ms),
    };
    acts.iter().filter(by_hand).map(done).rev().collect()
}

impl Object {
    /// As it was known then: nothing can be done about it, and what it leads to is shown as of then too.
    #[must_use]
    pub fn as_of(mut self, clock: &Clock, at_ms: i64) -> Self {
        self.as_of = Some(clock.time(at_ms));
        let suffix = format!("?as_of={}", Clock::iso(at_ms));
        let linked = self.links.iter_mut().flat_map(|links| &mut links.objects);
        let refs = linked.chain(self.workflows.iter_mut().map(|flow| &mut flow.root));
        refs.filter(|to| !to.href.is_empty()).for_each(|to| to.href.push_str(&suffix));
        self
    }

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
