//! What waits for a link: grouped by what it waits for, and one by one, oldest first.

use serde::Serialize;

use super::render::Page;
use super::time::{Clock, Time};
use super::words;
use crate::store::HeldGroup;
use crate::store::rows::ObjectRow;

pub const PER_PAGE: usize = 50;

#[derive(Debug, Serialize)]
pub struct Held {
    pub groups: Vec<Group>,
    pub rows: Vec<Row>,
    pub total: String,
    pub next: String,
    pub first: String,
}

impl Page for Held {
    const TEMPLATE: &'static str = "held.html";
}

#[derive(Debug, Serialize)]
pub struct Group {
    pub key: String,
    pub title: String,
    pub objects: String,
    pub events: String,
    pub oldest: Time,
    pub release: String,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub key: String,
    pub object: words::Ref,
    pub state: String,
    pub waits: Option<words::Ref>,
    pub waits_kind: String,
    pub since: Time,
    pub events: String,
    pub last_title: String,
    pub system: String,
    pub tone: &'static str,
    pub source: String,
}

pub fn held(
    tenant: &str,
    clock: &Clock,
    groups: &[HeldGroup],
    rows: &[ObjectRow],
    next: Option<String>,
    paged: bool,
) -> Held {
    let path = words::tenant_path(tenant, "held");
    Held {
        total: words::plural(groups.iter().map(|group| group.objects).sum(), "object", "objects"),
        groups: groups.iter().map(|group| self::group(clock, group)).collect(),
        rows: rows.iter().map(|object| row(tenant, clock, object)).collect(),
        next: next.map(|cursor| format!("{path}?after={}", words::encode(&cursor))).unwrap_or_default(),
        first: if paged { path } else { String::new() },
    }
}

fn group(clock: &Clock, group: &HeldGroup) -> Group {
    let kind = group.waits_for.replace('_', " ");
    Group {
        key: group.waits_for.clone(),
        title: format!("Waiting for {} {kind}", if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }),
        objects: words::plural(group.objects, "object", "objects"),
        events: words::plural(group.events, "event", "events"),
        oldest: clock.time(group.oldest_ms),
        release: format!(
            "Released by itself when an event links it to {} {kind}.",
            if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
        ),
    }
}

fn row(tenant: &str, clock: &Clock, object: &ObjectRow) -> Row {
    let named = object.waits_for.contains('/');
    Row {
        key: format!("{}/{}", object.object_type, object.object_id),
        object: words::Ref::stored(tenant, &format!("{}/{}", object.object_type, object.object_id)),
        state: object.state.replace('_', " "),
        waits: named.then(|| words::Ref::stored(tenant, &object.waits_for)),
        waits_kind: if named { String::new() } else { format!("any {}", object.waits_for.replace('_', " ")) },
        since: clock.time(object.held_since_ms),
        events: words::count(u64::from(object.events)),
        last_title: words::event_title(&object.last_type),
        system: words::system(&object.last_system),
        tone: words::lane(&object.last_system),
        source: object.last_source.clone(),
    }
}
