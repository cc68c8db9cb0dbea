//! What a reader makes of a payload: business events, and the technical records around them.
//! The words are those of docs/events.md. Tenants are not here: who sent a payload is known at the door.

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A business object: `order/SO-10234`. Two objects are the same when type and id are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    #[serde(rename = "type")]
    pub kind: String,
    pub id: String,
}

impl ObjectRef {
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }

    /// Reads `order/SO-1`. The id may itself hold slashes; neither part may be empty.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once('/')?;
        (!kind.is_empty() && !id.is_empty()).then(|| Self::new(kind, id))
    }
}

impl std::fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

/// W3C trace context of a record, lower-case hex; empty when there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceRef {
    pub trace_id: String,
    pub span_id: String,
}

/// Something that happened to one object at a business time. Checked against its contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Idempotency key, unique within `source`.
    pub id: String,
    /// `object.verb`, for example `shipment.shipped`.
    #[serde(rename = "type")]
    pub kind: String,
    pub schema_version: u32,
    /// System instance, for example `wms/east-2`.
    pub source: String,
    /// Kind of system: `erp`, `wms`, `tms`, `billing`, `finance`, `carrier`, …
    pub system: String,
    pub object: ObjectRef,
    /// Links to other objects, sorted, without repeats and without `object` itself.
    pub refs: Vec<ObjectRef>,
    /// Business time with the offset that the sender gave.
    #[serde(rename = "time")]
    pub occurred_at: DateTime<FixedOffset>,
    #[serde(default)]
    pub trace: TraceRef,
    /// Typed fields, as the contract of `kind` describes them.
    pub data: Map<String, Value>,
    /// Position of the record in its payload, from 0.
    #[serde(default)]
    pub index: u32,
}

/// A span as sent, kept for the trace of the object that it names (if any).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    pub trace: TraceRef,
    pub parent_span_id: String,
    pub name: String,
    /// OTLP span kind, 0 to 5.
    pub kind: u8,
    pub service: String,
    pub source: String,
    pub system: String,
    pub start_ns: u64,
    pub end_ns: u64,
    /// OTLP status code: 0 unset, 1 ok, 2 error.
    pub status: u8,
    pub status_message: String,
    /// From `biz.object.type` and `biz.object.id`, or their mapped names.
    pub object: Option<ObjectRef>,
    /// All other attributes as text, resource attributes prefixed `resource.`.
    pub attributes: Vec<(String, String)>,
    /// Span events as JSON text (name, time, attributes); empty when there are none.
    pub events: String,
    /// Position of the record in its payload, from 0.
    pub index: u32,
}

/// A log record that is no business event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    pub trace: TraceRef,
    pub time_ns: u64,
    /// OTLP severity number, 0 to 24.
    pub severity: u8,
    pub service: String,
    pub source: String,
    pub body: String,
    pub object: Option<ObjectRef>,
    pub attributes: Vec<(String, String)>,
}

/// One metric data point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    pub name: String,
    pub unit: String,
    /// `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`.
    pub kind: &'static str,
    pub service: String,
    pub source: String,
    pub time_ns: u64,
    /// Gauge and sum: the value. Others: the sum.
    pub value: f64,
    /// Histograms and summaries: number of measurements; else 0.
    pub count: u64,
    /// Upper bounds of the buckets (histogram), or quantiles (summary).
    pub bounds: Vec<f64>,
    /// Counts per bucket, or values per quantile.
    pub buckets: Vec<f64>,
    pub attributes: Vec<(String, String)>,
}

/// All that one payload said. `items` = events + refusals + spans + logs + points + dead letters - `doubled`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    pub items: u32,
    pub events: Vec<Event>,
    pub refusals: Vec<crate::Refusal>,
    pub spans: Vec<Span>,
    pub logs: Vec<Log>,
    pub points: Vec<Point>,
    pub dead_letters: Vec<crate::DeadLetter>,
    /// How many of `spans` are also in `events`, or in `refusals` because they were meant to be events.
    pub doubled: u32,
}

/// What the reader is told about the payload besides its bytes.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub contracts: &'a crate::Contracts,
    pub mapping: &'a crate::Mapping,
    pub limits: &'a crate::Limits,
    /// When the door took it; a record without a time of its own gets none from us, it is refused.
    pub received_at: DateTime<Utc>,
    /// The source that the key names, for records that name none.
    pub source: &'a str,
}
