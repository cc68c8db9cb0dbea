//! Spans: of one trace, and those that name an object.

use clickhouse::Row;
use milepost_ingest::{ObjectRef, Span, TraceRef};
use serde::Deserialize;

use super::query::{all, split};
use super::rows::SpanRow;
use super::{Store, StoreError};

/// `SpanRow` as the database gives it.
#[derive(Row, Deserialize)]
struct Found {
    tenant: String,
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    name: String,
    kind: u8,
    service: String,
    source: String,
    system: String,
    start_ns: i64,
    end_ns: i64,
    status: u8,
    status_message: String,
    object_type: String,
    object_id: String,
    attributes: Vec<(String, String)>,
    events: String,
    received_ms: i64,
    payload: u64,
}

impl Store {
    /// Spans of a trace, by start.
    pub async fn trace(&self, tenant: &str, trace_id: &str) -> Result<Vec<SpanRow>, StoreError> {
        let query = self.ask(include_str!("../../queries/read/trace.sql"));
        let found: Vec<Found> = all(query.param("tenant", tenant).param("trace_id", trace_id)).await?;
        Ok(found.into_iter().map(SpanRow::from).collect())
    }

    /// The newest spans that name one of these objects.
    pub async fn spans_of(&self, tenant: &str, objects: &[ObjectRef], limit: u64) -> Result<Vec<SpanRow>, StoreError> {
        let (types, ids) = split(objects);
        let query = self.ask(include_str!("../../queries/read/spans_of.sql")).param("tenant", tenant);
        let found: Vec<Found> = all(query.param("types", types).param("ids", ids).param("limit", limit)).await?;
        Ok(found.into_iter().map(SpanRow::from).collect())
    }
}

impl From<Found> for SpanRow {
    fn from(f: Found) -> Self {
        let object = (!f.object_id.is_empty()).then(|| ObjectRef::new(f.object_type, f.object_id));
        let ns = |time: i64| u64::try_from(time).unwrap_or(0);
        Self {
            tenant: f.tenant,
            received_ms: f.received_ms,
            payload: f.payload,
            span: Span {
                trace: TraceRef { trace_id: f.trace_id, span_id: f.span_id },
                parent_span_id: f.parent_span_id,
                name: f.name,
                kind: f.kind,
                service: f.service,
                source: f.source,
                system: f.system,
                start_ns: ns(f.start_ns),
                end_ns: ns(f.end_ns),
                status: f.status,
                status_message: f.status_message,
                object,
                attributes: f.attributes,
                events: f.events,
            },
        }
    }
}
