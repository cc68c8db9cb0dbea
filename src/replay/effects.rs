//! Proof: whether what was sent did what it was sent for. An answer of 200 proves nothing; the event that was applied,
//! the milestone that was reached or the target's own event does.

use std::collections::{HashMap, HashSet};

use chrono::Utc;
use milepost_ingest::ObjectRef;

use super::job::item;
use super::target::Awaited;
use crate::domain::{Definitions, Reached, assemble};
use crate::store::replays::{AT_ONCE, ReplayItemRow};
use crate::store::rows::EventRow;
use crate::store::{Store, StoreError};

/// Items that are looked at in one go, those that wait longest first.
pub const LOOK: usize = 2_000;
/// Of those whose time is over.
pub const LOOK_LATE: usize = 500;
/// Workflows that are derived in one go to see a milestone.
const MOST_ROOTS: usize = 50;

/// Positions of those items whose events are in the store.
pub async fn applied(store: &Store, tenant: &str, items: &[ReplayItemRow]) -> Result<Vec<u32>, StoreError> {
    let awaited: Vec<(u32, Vec<(ObjectRef, String)>)> =
        items.iter().map(|item| (item.position, awaits(item))).collect();
    let wanted: Vec<(ObjectRef, String)> = awaited.iter().flat_map(|(_, events)| events.iter().cloned()).collect();
    let found: HashSet<(ObjectRef, String)> = store.events_taken(tenant, &wanted).await?.into_iter().collect();
    let seen = |(_, events): &&(u32, Vec<(ObjectRef, String)>)| events.iter().all(|event| found.contains(event));
    Ok(awaited.iter().filter(seen).map(|(position, _)| *position).collect())
}

/// The effect was seen, in time or late.
pub fn prove(item: &mut ReplayItemRow, now_ms: i64) {
    if item.state == item::NO_EFFECT {
        let late = std::time::Duration::from_millis(u64::try_from(now_ms - item.due_ms).unwrap_or(0));
        item.code = "late_effect".to_owned();
        item.detail = format!("Its effect came after all, {} s after the time for it was over", late.as_secs());
    }
    item::PROVEN.clone_into(&mut item.state);
    item.settled_ms = now_ms;
}

pub fn awaits(item: &ReplayItemRow) -> Vec<(ObjectRef, String)> {
    serde_json::from_str(&item.awaits).unwrap_or_default()
}

/// Positions of those items after whose dispatch the awaited thing was seen.
pub async fn answered(
    store: &Store,
    definitions: &Definitions,
    tenant: &str,
    awaited: &Awaited,
    items: &[ReplayItemRow],
) -> Result<Vec<u32>, StoreError> {
    let objects: Vec<ObjectRef> = distinct(items.iter().filter_map(super::job::lane));
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let since_ms = items.iter().map(|item| item.sent_ms).min().unwrap_or(0);
    let (kind, system) = match awaited {
        Awaited::Event(kind) => (kind.as_str(), ""),
        Awaited::System(system) => ("", system.as_str()),
        Awaited::Milestone(key) => return reached(store, definitions, tenant, key, items, &objects).await,
    };
    let reports = store.events_since(tenant, since_ms, kind, system).await?;
    if reports.is_empty() {
        return Ok(Vec::new());
    }
    let spoken: Vec<ObjectRef> = distinct(reports.iter().map(|r| ObjectRef::new(&r.object_type, &r.object_id)));
    let all: Vec<ObjectRef> = distinct(objects.iter().chain(&spoken).cloned());
    let roots = roots(store, tenant, &all).await?;
    // Latest report about each object and about each workflow.
    let mut latest: HashMap<ObjectRef, i64> = HashMap::new();
    for report in &reports {
        let object = ObjectRef::new(&report.object_type, &report.object_id);
        let linked = report.refs.iter().filter_map(|name| ObjectRef::parse(name));
        let above = roots.get(&object).into_iter().flatten().cloned();
        for about in linked.chain(above).chain([object.clone()]) {
            let at = latest.entry(about).or_default();
            *at = report.received_ms.max(*at);
        }
    }
    let seen = |item: &&ReplayItemRow| {
        let Some(object) = super::job::lane(item) else { return false };
        let above = roots.get(&object).into_iter().flatten();
        above.chain([&object]).any(|about| latest.get(about).is_some_and(|at| *at >= item.sent_ms))
    };
    Ok(items.iter().filter(seen).map(|item| item.position).collect())
}

async fn reached(
    store: &Store,
    definitions: &Definitions,
    tenant: &str,
    key: &str,
    items: &[ReplayItemRow],
    objects: &[ObjectRef],
) -> Result<Vec<u32>, StoreError> {
    let roots = roots(store, tenant, objects).await?;
    let wanted: Vec<ObjectRef> = distinct(roots.values().flatten().cloned());
    let mut passed: HashSet<ObjectRef> = HashSet::new();
    for root in wanted.iter().take(MOST_ROOTS) {
        let Some(row) = store.workflow(tenant, root).await? else { continue };
        let members: Vec<ObjectRef> = row.members.iter().filter_map(|name| ObjectRef::parse(name)).collect();
        let entries = store.events_of(tenant, &members).await?.into_iter().filter_map(EventRow::into_entry);
        let workflow = assemble(definitions, root, entries, Utc::now());
        let is = |m: &crate::domain::Milestone| m.key == key && m.reached == Reached::Full;
        if workflow.is_some_and(|workflow| workflow.milestones.iter().any(is)) {
            passed.insert(root.clone());
        }
    }
    let seen = |item: &&ReplayItemRow| {
        let above = super::job::lane(item).and_then(|object| roots.get(&object));
        above.is_some_and(|above| above.iter().any(|root| passed.contains(root)))
    };
    Ok(items.iter().filter(seen).map(|item| item.position).collect())
}

/// Roots of the workflows that objects belong to; a root belongs to its own.
pub async fn roots(
    store: &Store,
    tenant: &str,
    objects: &[ObjectRef],
) -> Result<HashMap<ObjectRef, Vec<ObjectRef>>, StoreError> {
    let mut found: HashMap<ObjectRef, Vec<ObjectRef>> = HashMap::new();
    for some in objects.chunks(AT_ONCE) {
        for row in store.objects(tenant, some).await? {
            let object = ObjectRef::new(row.object_type, row.object_id);
            let above = row.workflows.iter().filter_map(|name| ObjectRef::parse(name)).collect();
            found.insert(object, above);
        }
    }
    Ok(found)
}

fn distinct(objects: impl Iterator<Item = ObjectRef>) -> Vec<ObjectRef> {
    objects.collect::<HashSet<_>>().into_iter().collect()
}
