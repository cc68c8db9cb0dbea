//! From stored rows back to the events that state is made of.

use chrono::{DateTime, FixedOffset, Utc};
use milepost_ingest::{Event, ObjectRef, TraceRef};

use super::rows::EventRow;
use crate::domain::Entry;

impl EventRow {
    /// The event as it was taken. None when the row does not hold one, which only a foreign hand can bring about.
    pub fn into_entry(self) -> Option<Entry> {
        let zone = FixedOffset::east_opt(i32::from(self.offset_minutes) * 60)?;
        Some(Entry {
            event: Event {
                id: self.event_id,
                kind: self.event_type,
                schema_version: self.schema_version,
                source: self.source,
                system: self.system,
                object: ObjectRef::new(self.object_type, self.object_id),
                refs: self.refs.iter().filter_map(|r| ObjectRef::parse(r)).collect(),
                occurred_at: DateTime::<Utc>::from_timestamp_millis(self.occurred_ms)?.with_timezone(&zone),
                trace: TraceRef { trace_id: self.trace_id, span_id: self.span_id },
                data: serde_json::from_str(&self.data).ok()?,
                index: self.index,
            },
            received_at: DateTime::<Utc>::from_timestamp_millis(self.received_ms)?,
            payload: self.payload,
        })
    }
}
