//! An object as it was known at a moment: by what had been received until then about it, and about what it hangs together
//! with.

use chrono::DateTime;
use milepost_ingest::ObjectRef;

use super::names;
use crate::domain::{Definitions, Fact, Graph};
use crate::pages::desk::Desk;
use crate::pipeline::object_row;
use crate::store::StoreError;
use crate::store::rows::{EventRow, ObjectRow, WorkflowRow};

/// Objects beside it whose events are read: more than a page shows.
const MAX_NEAR: usize = 500;

/// None when nobody had spoken of it yet. `row` and `flows` say how it stands now.
pub async fn as_it_was(
    desk: &Desk,
    tenant: &str,
    row: &ObjectRow,
    flows: &[WorkflowRow],
    at_ms: i64,
) -> Result<Option<ObjectRow>, StoreError> {
    let mut all = names(row);
    let around = row.links.iter().chain(flows.iter().flat_map(|flow| &flow.members));
    all.extend(around.take(MAX_NEAR).filter_map(|name| ObjectRef::parse(name)));
    all.sort();
    all.dedup();
    let events = desk.store.events_of(tenant, &all).await?;
    Ok(known(&desk.definitions(tenant), row, events, at_ms))
}

/// What these events said of it when no more of them had been received.
pub fn known(definitions: &Definitions, row: &ObjectRow, events: Vec<EventRow>, at_ms: i64) -> Option<ObjectRow> {
    let object = ObjectRef::new(&*row.object_type, &*row.object_id);
    let at = DateTime::from_timestamp_millis(at_ms)?;
    let mut graph = Graph::default();
    for entry in events.into_iter().filter_map(EventRow::into_entry).filter(|entry| entry.received_at <= at) {
        graph.add(&entry.event.object, Fact::of(&entry.event, entry.received_at));
    }
    let standing = graph.standing(definitions, &object);
    object_row(&row.tenant, &graph, &object, &standing, row.version)
}
