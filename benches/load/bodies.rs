//! Request bodies: made once, with gaps of fixed width for the order numbers, so that the generator itself costs next to nothing.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use serde_json::{Value, json};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Technical spans that name their order.
    Spans,
    /// Spans that are business events.
    SpanEvents,
    /// Log records that are business events.
    Logs,
    /// JSON events.
    Events,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Spans, Self::SpanEvents, Self::Logs, Self::Events];

    pub fn name(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::SpanEvents => "span-events",
            Self::Logs => "logs",
            Self::Events => "events",
        }
    }

    /// Where its records are counted.
    pub fn table(self) -> &'static str {
        if self == Self::Spans { "spans" } else { "events" }
    }

    pub fn door(self) -> (&'static str, &'static str) {
        match self {
            Self::Spans | Self::SpanEvents => ("/v1/traces", "application/x-protobuf"),
            Self::Logs => ("/v1/logs", "application/x-protobuf"),
            Self::Events => ("/v1/events", "application/json"),
        }
    }
}

/// What happens to an order, in its system and to its object.
const STEPS: [(&str, &str, &str); 8] = [
    ("order.created", "erp/main", "order"),
    ("order.credit_checked", "erp/main", "order"),
    ("order.released", "erp/main", "order"),
    ("inventory.allocated", "wms/east-2", "order"),
    ("shipment.created", "wms/east-2", "shipment"),
    ("pick.completed", "wms/east-2", "shipment"),
    ("pack.completed", "wms/east-2", "shipment"),
    ("shipment.shipped", "wms/east-2", "shipment"),
];
const DIGITS: usize = 12;

/// A body with gaps. One of `size` records, or for single records one body per step.
pub struct Bodies {
    patterns: Vec<Pattern>,
    pub records: u64,
    orders: u64,
}

struct Pattern {
    bytes: Vec<u8>,
    /// Position, and which of the body's orders.
    gaps: Vec<(usize, u64)>,
}

impl Bodies {
    pub fn new(kind: Kind, size: usize) -> Self {
        let steps = STEPS.len();
        let patterns = if size == 1 {
            (0..steps).map(|step| Pattern::new(body(kind, &[(0, step)]))).collect()
        } else {
            let records: Vec<(usize, usize)> = (0..size).map(|n| (n / steps, n % steps)).collect();
            vec![Pattern::new(body(kind, &records))]
        };
        Self { patterns, records: size as u64, orders: size.div_ceil(steps) as u64 }
    }

    /// The body of the n-th request; no two name the same event.
    pub fn get(&self, n: u64) -> Vec<u8> {
        let of = self.patterns.len() as u64;
        let pattern = &self.patterns[usize::try_from(n % of).unwrap()];
        let first = n / of * self.orders;
        let mut bytes = pattern.bytes.clone();
        for (at, order) in &pattern.gaps {
            let digits = format!("{:0DIGITS$}", first + order);
            bytes[*at..*at + DIGITS].copy_from_slice(digits.as_bytes());
        }
        bytes
    }
}

impl Pattern {
    fn new(bytes: Vec<u8>) -> Self {
        let is_gap = |window: &[u8]| {
            let inner = &window[1..DIGITS - 1];
            window[0] == b'~' && window[DIGITS - 1] == b'~' && inner.iter().all(u8::is_ascii_digit)
        };
        let gaps = bytes
            .windows(DIGITS)
            .enumerate()
            .filter(|(_, window)| is_gap(window))
            .map(|(at, window)| (at, std::str::from_utf8(&window[1..DIGITS - 1]).unwrap().parse().unwrap()))
            .collect();
        Self { bytes, gaps }
    }
}

fn gap(order: usize) -> String {
    format!("~{order:010}~")
}

fn body(kind: Kind, records: &[(usize, usize)]) -> Vec<u8> {
    let events: Vec<Value> = records.iter().map(|(order, step)| event(&gap(*order), *step)).collect();
    match kind {
        Kind::Events => Value::from(events).to_string().into_bytes(),
        Kind::Logs => {
            let log_records = events.iter().map(log).collect();
            let scope_logs = vec![ScopeLogs { log_records, ..Default::default() }];
            ExportLogsServiceRequest {
                resource_logs: vec![ResourceLogs { resource: Some(resource()), scope_logs, ..Default::default() }],
            }
            .encode_to_vec()
        }
        Kind::Spans | Kind::SpanEvents => {
            let spans = events.iter().enumerate().map(|(n, e)| span(e, n, kind)).collect();
            let scope_spans = vec![ScopeSpans { spans, ..Default::default() }];
            ExportTraceServiceRequest {
                resource_spans: vec![ResourceSpans { resource: Some(resource()), scope_spans, ..Default::default() }],
            }
            .encode_to_vec()
        }
    }
}

fn event(number: &str, step: usize) -> Value {
    let (kind, source, object) = STEPS[step];
    let order = format!("SO-{number}");
    let id = if object == "order" { order.clone() } else { format!("SH-{number}") };
    let refs = if object == "order" { json!({}) } else { json!({"order": [order]}) };
    let line = json!({"order": order, "line": "10", "sku": "AB-77", "quantity": "5", "unit": "EA"});
    let data = match kind {
        "order.created" => json!({
            "customer": "Nordwind Handels GmbH", "priority": "standard", "pod_required": true, "billing_policy": "complete",
            "amount": {"value": "64.50", "currency": "EUR"}, "lines": [{"line": "10", "sku": "AB-77", "quantity": "5", "unit": "EA"}],
        }),
        "order.credit_checked" => json!({"verdict": "approved"}),
        "order.released" => json!({"warehouse": "HAM-1"}),
        _ => json!({"lines": [line], "warehouse": "HAM-1", "carrier": "Nordland Freight"}),
    };
    let time = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    json!({
        "id": format!("{kind}-{number}"), "type": kind, "source": source, "time": time, "object": {"type": object, "id": id},
        "refs": refs, "data": data,
    })
}

fn log(event: &Value) -> LogRecord {
    LogRecord {
        time_unix_nano: now(),
        event_name: text(&event["type"]),
        body: Some(any(event["data"].to_string())),
        attributes: envelope(event),
        trace_id: vec![7; 16],
        span_id: vec![7; 8],
        ..Default::default()
    }
}

fn span(event: &Value, n: usize, kind: Kind) -> Span {
    let mut attributes = envelope(event);
    if kind == Kind::SpanEvents {
        attributes.push(pair("biz.event.type", text(&event["type"])));
        attributes.push(pair("biz.data", event["data"].to_string()));
    } else {
        attributes.retain(|a| a.key.starts_with("biz.object"));
        let usual = [
            ("http.request.method", "POST"),
            ("url.path", "/orders/confirm"),
            ("server.address", "wms.internal"),
            ("http.response.status_code", "200"),
            ("messaging.destination.name", "orders"),
            ("thread.name", "worker-4"),
        ];
        attributes.extend(usual.map(|(key, value)| pair(key, value.to_owned())));
    }
    let mut span_id = vec![7; 8];
    span_id[..4].copy_from_slice(&u32::try_from(n).unwrap().to_be_bytes());
    Span {
        trace_id: vec![7; 16],
        span_id,
        name: text(&event["type"]),
        kind: 1,
        start_time_unix_nano: now() - 3_000_000,
        end_time_unix_nano: now(),
        attributes,
        ..Default::default()
    }
}

fn envelope(event: &Value) -> Vec<KeyValue> {
    let mut attributes = vec![
        pair("biz.event.id", text(&event["id"])),
        pair("biz.object.type", text(&event["object"]["type"])),
        pair("biz.object.id", text(&event["object"]["id"])),
        pair("biz.time", text(&event["time"])),
        pair("biz.source", text(&event["source"])),
    ];
    if let Some(order) = event["refs"]["order"][0].as_str() {
        attributes.push(pair("biz.ref.order", order.to_owned()));
    }
    attributes
}

fn resource() -> Resource {
    Resource { attributes: vec![pair("service.name", "load".to_owned())], ..Default::default() }
}

fn pair(key: &str, value: String) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(any(value)), ..Default::default() }
}

fn any(value: String) -> AnyValue {
    AnyValue { value: Some(any_value::Value::StringValue(value)) }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn now() -> u64 {
    u64::try_from(chrono::Utc::now().timestamp_nanos_opt().unwrap()).unwrap()
}
