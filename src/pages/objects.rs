//! Every object that is known, of any type: what it is called, how it stands, what it belongs to.

use actix_web::{HttpRequest, HttpResponse};
use milepost_ingest::ObjectRef;
use serde::Serialize;

use super::desk::Desk;
use super::params::Query;
use super::problem::Trouble;
use super::render::Page;
use super::time::{Clock, Time};
use super::visit::{Label, Visit};
use super::words;
use crate::store::rows::ObjectRow;
use crate::store::{Cursor, ObjectCount, ObjectFilter};

pub const PER_PAGE: usize = 50;
const KNOWN: [&str; 4] = ["type", "state", "q", "after"];
/// Roots that a row names.
const ROOTS: usize = 3;

#[derive(Debug, Serialize)]
pub struct Objects {
    pub types: Vec<Choice>,
    pub states: Vec<Choice>,
    pub rows: Vec<Row>,
    pub total: String,
    pub next: String,
    pub first: String,
    pub kind: String,
    pub search: String,
    pub state: String,
    pub path: String,
    pub filtered: bool,
}

impl Page for Objects {
    const TEMPLATE: &'static str = "objects.html";
}

#[derive(Debug, Serialize)]
pub struct Choice {
    pub key: String,
    pub title: String,
    pub count: String,
    pub href: String,
    pub chosen: bool,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub key: String,
    pub object: words::Ref,
    pub state: String,
    pub held: String,
    pub workflows: Vec<words::Ref>,
    pub more: String,
    pub links: String,
    pub events: String,
    pub last: Time,
    pub last_title: String,
    pub system: String,
    pub tone: &'static str,
}

/// What the store answered.
pub struct Found<'a> {
    pub tenant: &'a str,
    pub query: &'a Query,
    pub filter: &'a ObjectFilter,
    pub counts: &'a [ObjectCount],
    pub rows: &'a [ObjectRow],
    pub next: Option<String>,
}

pub async fn show_list(desk: &Desk, request: &HttpRequest) -> Result<HttpResponse, Trouble> {
    let mut visit = Visit::new(desk, request, &KNOWN).await?;
    let one = |name: &str| visit.query.get(name).unwrap_or_default().to_owned();
    let filter = ObjectFilter { object_type: one("type"), state: one("state"), text: one("q") };
    let after = super::routes::cursor(&mut visit);
    let tenant = visit.tenant.as_str();
    visit
        .show(desk, async {
            let (counts, mut rows) = tokio::try_join!(
                desk.store.object_counts(tenant),
                desk.store.objects_list(tenant, &filter, &after, PER_PAGE as u64 + 1),
            )?;
            let more = rows.len() > PER_PAGE;
            rows.truncate(PER_PAGE);
            let next = rows.last().filter(|_| more).map(|row| Cursor::after_object(row).to_string());
            let found = Found { tenant, query: &visit.query, filter: &filter, counts: &counts, rows: &rows, next };
            Ok((Label::new("objects", "Objects", "held"), objects(&visit.clock, &found)))
        })
        .await
}

pub fn objects(clock: &Clock, found: &Found) -> Objects {
    let Found { tenant, query, filter, counts, .. } = *found;
    let path = words::tenant_path(tenant, "objects");
    let top = query.without(&["after"]);
    let to = |query: Query| format!("{path}{}", query.text());
    let sum = |of: &dyn Fn(&ObjectCount) -> bool| counts.iter().filter(|c| of(c)).map(|c| c.count).sum::<u64>();
    let mut types: Vec<Choice> = Vec::new();
    for count in counts {
        if types.iter().all(|known| known.key != count.object_type) {
            let chosen = filter.object_type == count.object_type;
            let wanted = if chosen { "" } else { &count.object_type };
            types.push(Choice {
                key: count.object_type.clone(),
                title: words::title(&count.object_type),
                count: words::count(sum(&|c| c.object_type == count.object_type)),
                href: to(top.with("type", wanted).without(&["state"])),
                chosen,
            });
        }
    }
    let of_type = counts.iter().filter(|c| !filter.object_type.is_empty() && c.object_type == filter.object_type);
    let states = of_type.map(|c| {
        let chosen = filter.state == c.state && !c.state.is_empty();
        Choice {
            key: c.state.clone(),
            title: state(&c.state),
            count: words::count(c.count),
            href: to(top.with("state", if chosen { "" } else { &c.state })),
            chosen,
        }
    });
    let matching = |c: &ObjectCount| {
        (filter.object_type.is_empty() || c.object_type == filter.object_type)
            && (filter.state.is_empty() || c.state == filter.state)
    };
    Objects {
        states: states.collect(),
        rows: found.rows.iter().map(|object| row(tenant, clock, object)).collect(),
        // How many begin so is not counted.
        total: if filter.text.is_empty() { words::plural(sum(&matching), "object", "objects") } else { String::new() },
        next: found.next.as_ref().map(|cursor| to(top.with("after", cursor))).unwrap_or_default(),
        first: if query.get("after").is_some() { to(top.clone()) } else { String::new() },
        kind: filter.object_type.clone(),
        state: filter.state.clone(),
        search: filter.text.clone(),
        filtered: top != Query::default(),
        types,
        path,
    }
}

fn row(tenant: &str, clock: &Clock, object: &ObjectRow) -> Row {
    let named = format!("{}/{}", object.object_type, object.object_id);
    let root = |text: &String| {
        let root = ObjectRef::parse(text)?;
        let href = words::workflow_path(tenant, &root.kind, &root.id);
        Some(words::Ref { kind: words::title(&root.kind), id: root.id, href })
    };
    let more = object.workflows.len().saturating_sub(ROOTS);
    Row {
        object: words::Ref::stored(tenant, &named),
        key: named,
        state: state(&object.state),
        held: if object.held { clock.ago(object.held_since_ms) } else { String::new() },
        workflows: object.workflows.iter().take(ROOTS).filter_map(root).collect(),
        more: if more > 0 { format!("and {} more", words::count(more as u64)) } else { String::new() },
        links: words::count(object.links.len() as u64),
        events: words::count(u64::from(object.events)),
        last: clock.time(object.last_ms),
        last_title: words::event_title(&object.last_type),
        system: words::system(&object.last_system),
        tone: words::lane(&object.last_system),
    }
}

fn state(key: &str) -> String {
    if key.is_empty() { "only referred to".into() } else { key.replace('_', " ") }
}
