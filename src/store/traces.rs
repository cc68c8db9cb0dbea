//! The technical records around business events: spans, log records, metric series.

use clickhouse::Row;
use milepost_ingest::{Log, ObjectRef, Span, TraceRef};
use serde::Deserialize;

use super::objects::names;
use super::rows::{LogRow, SpanRow};
use super::{Store, StoreError};

/// No trace page shows more.
const TRACE_LIMIT: u64 = 10_000;

/// The last value of a metric series.
#[derive(Clone, Debug, PartialEq, Row, Deserialize)]
pub struct Series {
    pub tenant: String,
    pub source: String,
    pub name: String,
    pub unit: String,
    /// `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`.
    pub kind: String,
    pub service: String,
    pub attributes: Vec<(String, String)>,
    pub time_ns: i64,
    pub value: f64,
    pub count: u64,
}

impl Store {
    /// All spans of a trace, the earliest first.
    pub async fn trace(&self, tenant: &str, trace_id: &str) -> Result<Vec<SpanRow>, StoreError> {
        let query = self.reader.query_raw(read!("trace")).param("tenant", tenant);
        let spans: Vec<FlatSpan> = query.param("trace_id", trace_id).param("limit", TRACE_LIMIT).fetch_all().await?;
        Ok(spans.into_iter().map(SpanRow::from).collect())
    }

    /// Spans that name one of these objects, the newest first.
    pub async fn spans_of(&self, tenant: &str, objects: &[ObjectRef], limit: u64) -> Result<Vec<SpanRow>, StoreError> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<&str> = objects.iter().map(|object| object.id.as_str()).collect();
        let query = self.reader.query_raw(read!("spans_of")).param("tenant", tenant).param("ids", ids);
        let spans: Vec<FlatSpan> = query.param("objects", names(objects)).param("limit", limit).fetch_all().await?;
        Ok(spans.into_iter().map(SpanRow::from).collect())
    }

    /// Log records written within a trace, the earliest first.
    pub async fn logs_of_trace(&self, tenant: &str, trace_id: &str) -> Result<Vec<LogRow>, StoreError> {
        let query = self.reader.query_raw(read!("logs_of_trace")).param("tenant", tenant);
        let logs: Vec<FlatLog> = query.param("trace_id", trace_id).param("limit", TRACE_LIMIT).fetch_all().await?;
        Ok(logs.into_iter().map(LogRow::from).collect())
    }

    /// The last value since then of each series of a source, or of all where it is empty.
    pub async fn latest_points(
        &self,
        tenant: &str,
        source: &str,
        since_ms: i64,
        limit: u64,
    ) -> Result<Vec<Series>, StoreError> {
        let query = self.reader.query_raw(read!("latest_points")).param("tenant", tenant).param("source", source);
        Ok(query.param("since_ms", since_ms).param("limit", limit).fetch_all().await?)
    }
}

/// A span as a row holds it.
#[derive(Row, Deserialize)]
struct FlatSpan {
    tenant: String,
    received_ms: i64,
    payload: u64,
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
}

#[derive(Row, Deserialize)]
struct FlatLog {
    tenant: String,
    received_ms: i64,
    payload: u64,
    trace_id: String,
    span_id: String,
    time_ns: i64,
    severity: u8,
    service: String,
    source: String,
    body: String,
    object_type: String,
    object_id: String,
    attributes: Vec<(String, String)>,
}

impl From<FlatSpan> for SpanRow {
    fn from(flat: FlatSpan) -> Self {
        let span = Span {
            trace: TraceRef { trace_id: flat.trace_id, span_id: flat.span_id },
            parent_span_id: flat.parent_span_id,
            name: flat.name,
            kind: flat.kind,
            service: flat.service,
            source: flat.source,
            system: flat.system,
            start_ns: flat.start_ns.unsigned_abs(),
            end_ns: flat.end_ns.unsigned_abs(),
            status: flat.status,
            status_message: flat.status_message,
            object: object(flat.object_type, flat.object_id),
            attributes: flat.attributes,
            events: flat.events,
            index: 0,
        };
        Self { tenant: flat.tenant, received_ms: flat.received_ms, payload: flat.payload, span }
    }
}

impl From<FlatLog> for LogRow {
    fn from(flat: FlatLog) -> Self {
        let log = Log {
            trace: TraceRef { trace_id: flat.trace_id, span_id: flat.span_id },
            time_ns: flat.time_ns.unsigned_abs(),
            severity: flat.severity,
            service: flat.service,
            source: flat.source,
            body: flat.body,
            object: object(flat.object_type, flat.object_id),
            attributes: flat.attributes,
        };
        Self { tenant: flat.tenant, received_ms: flat.received_ms, payload: flat.payload, log }
    }
}

fn object(kind: String, id: String) -> Option<ObjectRef> {
    (!kind.is_empty()).then(|| ObjectRef::new(kind, id))
}
