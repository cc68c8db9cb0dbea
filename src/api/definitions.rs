//! Definitions: what holds, what others would have changed, and the migration of workflows to another version.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, web};
use chrono::{DateTime, TimeDelta, Utc};
use milepost_ingest::ObjectRef;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::act::{self, Ids};
use super::answer::{Refused, ok};
use super::{Answer, Shared, query, tenant};
use crate::domain::{Comparison, Definitions, Entry, Files, MIGRATED, Preview, Rulebook, assemble, derive_by};
use crate::store::rows::{EventRow, WorkflowRow};
use crate::store::{Cursor, Store, StoreError, WorkflowFilter};

/// Workflows that one request migrates or compares at most.
pub const MOST: u64 = 20_000;
/// Workflows that are read at once.
const CHUNK: u64 = 200;

#[derive(Serialize)]
struct Item {
    key: String,
    title: String,
    root: String,
    version: u32,
    since: Option<DateTime<Utc>>,
    /// All versions that are kept, the newest first.
    versions: Vec<u32>,
    milestones: Vec<String>,
    slas: Vec<String>,
    /// What is odd in its file.
    warnings: Vec<String>,
}

pub async fn list(desk: Shared, request: HttpRequest) -> Answer {
    let tenant = tenant(&desk, &request)?;
    query(&request, &[])?;
    let definitions = desk.definitions(&tenant);
    let item = |d: &std::sync::Arc<crate::domain::Definition>| Item {
        key: d.key.clone(),
        title: d.title.clone(),
        root: d.root.clone(),
        version: d.version,
        since: d.since,
        versions: definitions.versions(&d.key).iter().map(|v| v.version).collect(),
        milestones: d.milestones.iter().map(|m| m.key.clone()).collect(),
        slas: d.slas.iter().map(|s| s.key.clone()).collect(),
        warnings: d.warnings.iter().map(ToString::to_string).collect(),
    };
    let items: Vec<Item> = definitions.iter().map(item).collect();
    ok(&json!({"items": items, "fault": desk.fault()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Migration {
    to: u32,
    reason: String,
    /// Only this workflow, by its root: `order/SO-1`.
    root: Option<String>,
    /// Closed ones too.
    #[serde(default)]
    closed: bool,
}

/// Takes open workflows of a definition to another version, each by an act on its root.
pub async fn migrate(desk: Shared, request: HttpRequest, bytes: web::Bytes) -> Answer {
    let by = act::operator(&desk, &request)?;
    let key = request.match_info().get("key").unwrap_or_default().to_owned();
    let asked: Migration = act::body(&bytes)?;
    let definitions = desk.definitions(&by.tenant);
    let versions: Vec<u32> = definitions.versions(&key).iter().map(|d| d.version).collect();
    if versions.is_empty() {
        return Err(Refused::not_found(&format!("the definition {key}")));
    }
    if !versions.contains(&asked.to) {
        let known: Vec<String> = versions.iter().map(ToString::to_string).collect();
        return Err(Refused::body("/to", &format!("There is no such version; there are {}.", known.join(", "))));
    }
    if asked.reason.trim().is_empty() {
        return Err(Refused::body("/reason", "Say why."));
    }
    let filter = WorkflowFilter {
        definition: key.clone(),
        closed: if asked.closed { None } else { Some(false) },
        ..WorkflowFilter::default()
    };
    let mut roots = Vec::new();
    let mut cursor = Cursor::start();
    loop {
        let rows = desk.store.workflows(&by.tenant, &filter, &cursor, CHUNK).await?;
        let Some(last) = rows.last() else { break };
        cursor = Cursor::after_workflow(last, filter.sort);
        let wanted = rows.iter().filter(|row| row.definition_version != asked.to);
        roots.extend(wanted.map(|row| ObjectRef::new(&*row.root_type, &*row.root_id)));
        if let Some(only) = &asked.root {
            roots.retain(|root| root.to_string() == *only);
        }
        if roots.len() as u64 >= MOST || rows.len() < CHUNK as usize {
            break;
        }
    }
    if let Some(only) = &asked.root
        && roots.is_empty()
    {
        return Err(Refused::body("/root", &format!("{only} is no such workflow that has another version.")));
    }
    let ids = Ids::of(&request)?;
    let (mut migrated, mut stored) = (0, true);
    for (chunk, roots) in roots.chunks(CHUNK as usize).enumerate() {
        let acts = roots.iter().enumerate().map(|(n, root)| {
            let data = [
                ("definition".to_owned(), key.clone().into()),
                ("to".to_owned(), asked.to.into()),
                ("reason".to_owned(), asked.reason.trim().into()),
            ];
            ids.act(chunk * CHUNK as usize + n, MIGRATED, root.clone(), data.into_iter().collect())
        });
        let acted = act::act(&desk, &by, acts.collect()).await?;
        migrated += roots.len();
        stored &= acted.stored;
    }
    ok(&json!({"migrated": migrated, "to": asked.to, "stored": stored, "more": migrated as u64 >= MOST}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Path within the folder of definitions, to the text of the file. All of them: nothing else is read.
    files: BTreeMap<String, String>,
    /// Workflows that were created within so many days.
    days: u32,
}

/// What other definitions would have changed in the workflows of the last days. Changes nothing.
pub async fn preview(desk: Shared, request: HttpRequest, bytes: web::Bytes) -> Answer {
    let by = act::operator(&desk, &request)?;
    let asked: Asked = act::body(&bytes)?;
    let files: Files = asked.files.into_iter().collect();
    let book = Rulebook::load(&files).map_err(|errors| {
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Refused::body("/files", &all.join("\n"))
    })?;
    let now = desk.definitions(&by.tenant);
    let since = Utc::now() - TimeDelta::days(i64::from(asked.days));
    let preview = compare(&desk.store, &by.tenant, &now, book.of(&by.tenant), since).await?;
    ok(&preview)
}

/// Derives the workflows that were created since then twice, by the rules that hold and by the others.
pub async fn compare(
    store: &Store,
    tenant: &str,
    now: &Definitions,
    then: &Definitions,
    since: DateTime<Utc>,
) -> Result<Preview, StoreError> {
    let filter = WorkflowFilter {
        from_ms: since.timestamp_millis(),
        sort: crate::store::Sort::Created,
        ..WorkflowFilter::default()
    };
    let at = Utc::now();
    let mut comparison = Comparison::default();
    let (mut cursor, mut seen) = (Cursor::start(), 0);
    loop {
        let rows = store.workflows(tenant, &filter, &cursor, CHUNK).await?;
        let Some(last) = rows.last() else { return Ok(comparison.finish(false)) };
        cursor = Cursor::after_workflow(last, filter.sort);
        let members =
            |row: &WorkflowRow| row.members.iter().filter_map(|name| ObjectRef::parse(name)).collect::<Vec<_>>();
        let mut objects: Vec<ObjectRef> = rows.iter().flat_map(members).collect();
        objects.sort();
        objects.dedup();
        let mut told: BTreeMap<ObjectRef, Vec<Entry>> = BTreeMap::new();
        for entry in store.events_of(tenant, &objects).await?.into_iter().filter_map(EventRow::into_entry) {
            told.entry(entry.event.object.clone()).or_default().push(entry);
        }
        for row in &rows {
            let root = ObjectRef::new(&*row.root_type, &*row.root_id);
            let entries: Vec<Entry> = members(row).iter().filter_map(|o| told.get(o)).flatten().cloned().collect();
            let before = assemble(now, &root, entries.clone(), at);
            // As if they had held from the beginning, whatever version they say they are.
            let after = then.of_root(&root.kind).and_then(|definition| derive_by(definition, &root, entries, at));
            comparison.add(before.as_ref(), after.as_ref());
        }
        seen += rows.len() as u64;
        if seen >= MOST {
            return Ok(comparison.finish(true));
        }
    }
}
