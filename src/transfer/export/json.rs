//! Events as the events door takes them, and the pieces of that form which other writers share.

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use milepost_ingest::ObjectRef;
use serde_json::{Map, Value, json};

use super::Writer;
use crate::store::rows::EventRow;

/// NDJSON.
pub struct Lines;

impl Writer for Lines {
    fn head(&mut self, _out: &mut Vec<u8>) {}

    fn event(&mut self, row: &EventRow, out: &mut Vec<u8>) {
        let mut event = json!({
            "id": row.event_id,
            "type": row.event_type,
            "schema_version": row.schema_version,
            "source": row.source,
            "system": row.system,
            "time": time(row),
            "object": {"type": row.object_type, "id": row.object_id},
            "received_at": received(row),
            "data": data(row),
        });
        if let Value::Object(fields) = &mut event {
            if !row.refs.is_empty() {
                fields.insert("refs".to_owned(), refs(&row.refs));
            }
            if !row.trace_id.is_empty() {
                fields.insert("trace".to_owned(), json!({"trace_id": row.trace_id, "span_id": row.span_id}));
            }
        }
        out.extend_from_slice(event.to_string().as_bytes());
        out.push(b'\n');
    }
}

/// Business time with the offset that the sender gave.
pub fn time(row: &EventRow) -> String {
    let zone = FixedOffset::east_opt(i32::from(row.offset_minutes) * 60);
    let at = DateTime::<Utc>::from_timestamp_millis(row.occurred_ms).unwrap_or_default();
    match zone {
        Some(zone) => at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    }
}

pub fn received(row: &EventRow) -> String {
    utc(row.received_ms)
}

pub fn utc(ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

pub fn data(row: &EventRow) -> Value {
    serde_json::from_str(&row.data).unwrap_or_else(|_| json!({}))
}

/// `{"order": ["SO-1"]}` of `order/SO-1`.
fn refs(names: &[String]) -> Value {
    let mut refs: Map<String, Value> = Map::new();
    for object in names.iter().filter_map(|name| ObjectRef::parse(name)) {
        if let Value::Array(ids) = refs.entry(object.kind).or_insert_with(|| json!([])) {
            ids.push(object.id.into());
        }
    }
    Value::Object(refs)
}
