//! The rows that pipeline writes and pages read, one struct per table. Times are Unix milliseconds UTC
//! (`DateTime64(3)`) unless said otherwise; money is scaled by 10^6 (`Decimal(38, 6)`).

mod exceptions;
mod slas;

use clickhouse::Row;
use serde::Deserialize;

pub use exceptions::{AlertRow, DeliveryRow, ExceptionRow};
pub use slas::{PathRow, SlaRow};

/// `events`: every accepted business event, the source of truth of all state.
#[derive(Clone, Debug, Default, PartialEq, Row, Deserialize)]
pub struct EventRow {
    pub tenant: String,
    pub object_type: String,
    pub object_id: String,
    pub occurred_ms: i64,
    /// Offset that the sender gave, in minutes.
    pub offset_minutes: i16,
    pub received_ms: i64,
    pub event_id: String,
    pub event_type: String,
    pub schema_version: u32,
    pub source: String,
    pub system: String,
    /// `type/id` of linked objects.
    pub refs: Vec<String>,
    /// The event's data as JSON text.
    pub data: String,
    pub trace_id: String,
    pub span_id: String,
    /// Journal offset of the payload, and the record's place in it.
    pub payload: u64,
    pub index: u32,
    pub key_id: String,
    /// Hash of what the event says, to tell a conflicting duplicate.
    pub content: u64,
}

/// `payloads`: bodies to the letter, accepted and refused ones.
#[derive(Clone, Debug, Default, PartialEq, Row, Deserialize)]
pub struct PayloadRow {
    pub tenant: String,
    pub payload: u64,
    pub received_ms: i64,
    /// `json`, `ndjson`, `cloudevent`, `traces_protobuf`, … (`Form` in snake_case)
    pub form: String,
    pub source: String,
    pub key_id: String,
    pub headers: Vec<(String, String)>,
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
    pub events: u32,
    pub refused: u32,
    /// The version of contracts and mapping that it was read by; empty where that is not known.
    pub rules: String,
}

/// `failures`: one row per refused record (or whole payload), failed message of middleware, dead letter, or span in error.
#[derive(Clone, Debug, Default, PartialEq, Row, Deserialize)]
pub struct FailureRow {
    pub tenant: String,
    pub payload: u64,
    pub index: u32,
    pub received_ms: i64,
    /// `decode`, `validate`, `map`, `deliver`, `process`
    pub stage: String,
    pub code: String,
    pub pointer: String,
    pub expected: String,
    pub found: String,
    pub detail: String,
    /// Of source, stage, code and pointer without array positions: failures of one cause share it.
    pub fingerprint: u64,
    pub source: String,
    pub event_type: String,
    pub event_id: String,
    pub schema_version: u32,
    pub object_type: String,
    pub object_id: String,
    /// The byte of the payload at which reading ended; -1 where no byte is at fault.
    pub offset: i64,
    pub attempts: u32,
    /// Where it could not be brought.
    pub target: String,
    /// What was being done: a span's name, or a sentence of middleware without its values.
    pub step: String,
    pub trace_id: String,
}

/// `failure_groups`: what is known of failures of one cause (ReplacingMergeTree by `version`).
#[derive(Clone, Debug, Default, PartialEq, Row, Deserialize)]
pub struct FailureGroupRow {
    pub tenant: String,
    /// The fingerprint, unless rules merged or split it.
    pub group_id: u64,
    pub fingerprints: Vec<u64>,
    pub stage: String,
    pub code: String,
    pub pointer: String,
    pub expected: String,
    pub found: String,
    pub detail: String,
    pub step: String,
    pub target: String,
    pub source: String,
    pub sources: Vec<String>,
    pub event_types: Vec<String>,
    /// 0 when there is nothing left in it.
    pub count: u64,
    pub last_hour: u64,
    /// Failures in each of the last 24 hours, the running one last.
    pub hours: Vec<u64>,
    /// Distinct objects that the failed records name.
    pub objects: u64,
    pub orders: u64,
    pub workflows: u64,
    pub customers: u64,
    /// Of these workflows.
    pub breached: u64,
    pub at_risk: u64,
    /// Their amounts, summed per currency: `12480.50 EUR`.
    pub money: Vec<String>,
    pub example_payload: u64,
    pub example_index: u32,
    pub first_ms: i64,
    pub last_ms: i64,
    /// Of `count`, those that a replay has mended.
    pub mended: u64,
    /// When this was computed.
    pub as_of_ms: i64,
    pub version: u64,
}

/// `objects`: the latest snapshot of each object (ReplacingMergeTree by `version`).
#[derive(Clone, Debug, Default, PartialEq, Row, Deserialize)]
pub struct ObjectRow {
    pub tenant: String,
    pub object_type: String,
    pub object_id: String,
    /// Verb of its latest event by its system of record.
    pub state: String,
    pub events: u32,
    pub first_ms: i64,
    pub last_ms: i64,
    pub last_type: String,
    pub last_source: String,
    pub last_system: String,
    /// Hangs from nothing yet.
    pub held: bool,
    pub held_since_ms: i64,
    /// What it waits for, `order/SO-1` where the link is named, else a type: `order`.
    pub waits_for: String,
    /// Objects it is linked with, `type/id`.
    pub links: Vec<String>,
    /// Root objects of the workflows that it belongs to, `type/id`.
    pub workflows: Vec<String>,
    /// The object, `type/id`, that this is another name of; empty for an object that is shown under this name.
    pub same_as: String,
    /// Other numbers that it is known by: `wms:W-7`.
    pub aliases: Vec<String>,
    pub version: u64,
}

/// `workflows`: the latest snapshot of each workflow, flat, for lists and counts (ReplacingMergeTree by `version`).
#[derive(Clone, Debug, Default, PartialEq, Row, Deserialize)]
pub struct WorkflowRow {
    pub tenant: String,
    pub definition: String,
    pub definition_version: u32,
    pub root_type: String,
    pub root_id: String,
    /// `breached`, `at_risk`, `blocked`, `on_track`, `done`, `cancelled`
    pub status: String,
    pub stage: String,
    pub stage_title: String,
    pub stage_number: u8,
    pub stage_count: u8,
    /// What comes next and whose turn it is.
    pub next: String,
    pub next_title: String,
    pub waiting_for: String,
    pub customer: String,
    pub amount: Option<i128>,
    pub currency: String,
    pub priority: String,
    pub warehouse: String,
    pub carrier: String,
    pub created_ms: i64,
    pub updated_ms: i64,
    pub closed: bool,
    pub last_type: String,
    pub last_system: String,
    pub last_ms: i64,
    /// Earliest due time of an open SLA, and its policy.
    pub due_ms: Option<i64>,
    pub warn_ms: Option<i64>,
    pub sla: String,
    pub blocked_code: String,
    pub blocked_what: String,
    /// Kinds of its open exceptions.
    pub exceptions: Vec<String>,
    pub readiness: String,
    /// Every object in it, `type/id`, the root included.
    pub members: Vec<String>,
    /// When time alone changes it next.
    pub wakes_ms: Option<i64>,
    /// A hash of what this says.
    pub mark: u64,
    pub version: u64,
}

/// `readiness`: an order or a shipment as it can be billed.
#[derive(Clone, Debug, Default, PartialEq, Row, Deserialize)]
pub struct ReadinessRow {
    pub tenant: String,
    pub root_type: String,
    pub root_id: String,
    pub object_type: String,
    pub object_id: String,
    pub is_rest: bool,
    /// `not_due`, `blocked`, `ready`, `invoiced`, `posted`, `paid`, `wrong`, or `gone`.
    pub state: String,
    pub reasons: Vec<String>,
    /// The reasons whole, as JSON.
    pub why: String,
    pub system: String,
    pub next_step: String,
    pub customer: String,
    pub carrier: String,
    pub warehouse: String,
    /// At stake; None where it is not known exactly.
    pub amount: Option<i128>,
    pub currency: String,
    pub billed: Option<i128>,
    pub remaining: Option<i128>,
    pub since_ms: Option<i64>,
    pub delivered_ms: Option<i64>,
    pub proof_ms: Option<i64>,
    pub invoiced_ms: Option<i64>,
    /// Hash of all that is said, to tell what changed.
    pub mark: u64,
    pub version: u64,
}

/// `reconciliation`: a discrepancy.
#[derive(Clone, Debug, Default, PartialEq, Row, Deserialize)]
pub struct ReconciliationRow {
    pub tenant: String,
    pub root_type: String,
    pub root_id: String,
    pub kind: String,
    pub object_type: String,
    pub object_id: String,
    pub line: String,
    /// `open`, `matched` or `gone`.
    pub state: String,
    pub detail: String,
    /// Exact decimals as text, in `unit`.
    pub expected: String,
    pub found: String,
    pub unit: String,
    pub value: Option<i128>,
    pub currency: String,
    /// `estimate 12.50 EUR` and the like.
    pub figures: Vec<String>,
    pub since_ms: i64,
    pub system: String,
    pub customer: String,
    pub carrier: String,
    /// The events that show it, as JSON.
    pub evidence: String,
    pub mark: u64,
    pub version: u64,
}

/// `spans`: OTLP spans as sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanRow {
    pub tenant: String,
    pub received_ms: i64,
    pub payload: u64,
    pub span: milepost_ingest::Span,
}

/// `logs`: OTLP log records that are no business events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogRow {
    pub tenant: String,
    pub received_ms: i64,
    pub payload: u64,
    pub log: milepost_ingest::Log,
}

/// `points`: OTLP metric data points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PointRow {
    pub tenant: String,
    pub received_ms: i64,
    pub point: milepost_ingest::Point,
}

/// `source_minutes`: what a source sent in one minute, written once per flush and summed on reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceMinuteRow {
    pub tenant: String,
    pub source: String,
    pub system: String,
    /// Door and form: `events/json`, `otlp/logs`, …
    pub form: String,
    pub minute_ms: i64,
    pub events: u64,
    pub records: u64,
    pub duplicates: u64,
    pub refused: u64,
    pub errors: u64,
    pub bytes: u64,
    /// Sum over events of received - occurred, and the largest, in milliseconds.
    pub lag_sum_ms: i64,
    pub lag_max_ms: i64,
    pub last_ms: i64,
    /// Event types seen with their contract version, `shipment.shipped@1`.
    pub contracts: Vec<String>,
    /// Events by the size of their lag: see `size_of`.
    pub lags: Vec<(u8, u64)>,
    /// Events that came later than usual networks explain.
    pub late: u64,
    /// Events from the future, and how far.
    pub ahead: u64,
    pub ahead_max_ms: i64,
}

/// `dependency_minutes`: calls of one system to another in one minute, written once per flush and summed on reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DependencyMinuteRow {
    pub tenant: String,
    pub dependency: String,
    pub minute_ms: i64,
    pub source: String,
    pub calls: u64,
    pub errors: u64,
    /// Calls by the size of the time that they took: see `size_of`.
    pub took: Vec<(u8, u64)>,
    pub took_max_ms: i64,
    pub last_ms: i64,
}

/// The size of a length of time: four a doubling, 0 for nothing.
pub fn size_of(ms: i64) -> u8 {
    if ms <= 0 { 0 } else { ((ms as f64).log2() * 4.0).floor().clamp(0.0, 250.0) as u8 + 1 }
}

/// About the length of time that a size stands for: the middle of what it covers.
pub fn ms_of(size: u8) -> i64 {
    if size == 0 { 0 } else { (2_f64).powf((f64::from(size) - 0.5) / 4.0).round() as i64 }
}

/// Counts one more of a size.
pub fn count_size(sizes: &mut Vec<(u8, u64)>, ms: i64) {
    let size = size_of(ms);
    match sizes.iter_mut().find(|(known, _)| *known == size) {
        Some((_, count)) => *count += 1,
        None => sizes.push((size, 1)),
    }
}

/// One flush of the pipeline: everything or nothing is counted, by its token.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// A function of the journal offsets in it; the same batch always has the same token.
    pub token: String,
    pub events: Vec<EventRow>,
    pub payloads: Vec<PayloadRow>,
    pub failures: Vec<FailureRow>,
    pub failure_groups: Vec<FailureGroupRow>,
    pub objects: Vec<ObjectRow>,
    pub workflows: Vec<WorkflowRow>,
    pub slas: Vec<SlaRow>,
    pub paths: Vec<PathRow>,
    pub exceptions: Vec<ExceptionRow>,
    /// Written to `readiness` and to its history.
    pub readiness: Vec<ReadinessRow>,
    pub reconciliation: Vec<ReconciliationRow>,
    pub alerts: Vec<AlertRow>,
    pub deliveries: Vec<DeliveryRow>,
    pub spans: Vec<SpanRow>,
    pub logs: Vec<LogRow>,
    pub points: Vec<PointRow>,
    pub source_minutes: Vec<SourceMinuteRow>,
    pub dependency_minutes: Vec<DependencyMinuteRow>,
}

impl Batch {
    /// Whether no snapshot is among it.
    pub fn has_nothing_derived(&self) -> bool {
        self.objects.is_empty()
            && self.workflows.is_empty()
            && self.slas.is_empty()
            && self.paths.is_empty()
            && self.exceptions.is_empty()
            && self.readiness.is_empty()
            && self.reconciliation.is_empty()
    }
}
