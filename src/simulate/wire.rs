//! The forms in which the systems speak: JSON events, CloudEvents, OTLP log records and spans. Pure; a spoilt event is spoilt here.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span, status};
use serde_json::{Map, Value, json};

use super::story::{Said, Spoilt, Told, Trace, What, rfc3339};

/// A JSON event as `POST /v1/events` takes it.
pub fn event(said: &Said) -> Option<Value> {
    let told = said.told()?;
    let mut refs = Map::new();
    for link in &told.refs {
        if let Some(ids) = refs.entry(&link.kind).or_insert_with(|| json!([])).as_array_mut() {
            ids.push(json!(link.id));
        }
    }
    let mut object = json!({"type": said.object.kind, "id": said.object.id});
    if told.spoilt == Some(Spoilt::NoObject) {
        object = json!({"type": said.object.kind});
    }
    Some(json!({
        "id": told.id, "type": kind(told), "schema_version": 1, "source": said.source, "time": time(said, told),
        "object": object, "refs": refs, "traceparent": traceparent(&said.trace), "data": data(told),
    }))
}

/// The same as a CloudEvent: the envelope in its attributes, the rest in `data`.
pub fn cloud_event(said: &Said) -> Option<Value> {
    let told = said.told()?;
    let event = event(said)?;
    let mut cloud = json!({
        "specversion": "1.0", "id": event["id"], "type": event["type"], "source": event["source"], "time": event["time"],
        "datacontenttype": "application/json", "traceparent": event["traceparent"],
    });
    if told.spoilt != Some(Spoilt::NoObject) {
        cloud["subject"] = json!(said.object.to_string());
    }
    let mut data = event["data"].clone();
    data["refs"] = event["refs"].clone();
    cloud["data"] = data;
    Some(cloud)
}

/// Log records, one resource per source; events only.
pub fn logs(said: &[Said]) -> ExportLogsServiceRequest {
    let resource_logs = by_source(said)
        .into_iter()
        .map(|(source, group)| {
            let log_records: Vec<LogRecord> = group.into_iter().filter_map(log).collect();
            ResourceLogs {
                resource: Some(resource(source)),
                scope_logs: vec![ScopeLogs { scope: Some(scope()), log_records, ..Default::default() }],
                ..Default::default()
            }
        })
        .collect();
    ExportLogsServiceRequest { resource_logs }
}

/// Spans, one resource per source; events and technical steps.
pub fn spans(said: &[Said]) -> ExportTraceServiceRequest {
    let resource_spans = by_source(said)
        .into_iter()
        .map(|(source, group)| {
            let spans: Vec<Span> = group.into_iter().map(span).collect();
            ResourceSpans {
                resource: Some(resource(source)),
                scope_spans: vec![ScopeSpans { scope: Some(scope()), spans, ..Default::default() }],
                ..Default::default()
            }
        })
        .collect();
    ExportTraceServiceRequest { resource_spans }
}

fn by_source(said: &[Said]) -> Vec<(&'static str, Vec<&Said>)> {
    let mut groups: Vec<(&'static str, Vec<&Said>)> = Vec::new();
    for one in said {
        match groups.iter_mut().find(|(source, _)| *source == one.source) {
            Some((_, group)) => group.push(one),
            None => groups.push((one.source, vec![one])),
        }
    }
    groups
}

fn log(said: &Said) -> Option<LogRecord> {
    let told = said.told()?;
    let ns = nanos(said);
    Some(LogRecord {
        time_unix_nano: ns,
        observed_time_unix_nano: ns,
        severity_number: SeverityNumber::Info.into(),
        severity_text: "INFO".to_owned(),
        event_name: kind(told),
        body: Some(any(&Value::Object(data(told)))),
        attributes: attributes(said, told),
        trace_id: said.trace.trace_id.to_vec(),
        span_id: said.trace.span_id.to_vec(),
        ..Default::default()
    })
}

fn span(said: &Said) -> Span {
    let hop = matches!(said.what, What::Hop { .. });
    let (name, error, attributes) = match &said.what {
        What::Event(told) => {
            let mut attributes = attributes(said, told);
            attributes.push(text("biz.event.type", &kind(told)));
            for (name, value) in data(told) {
                attributes.push(KeyValue {
                    key: format!("biz.data.{name}"),
                    value: Some(any(&value)),
                    ..Default::default()
                });
            }
            (kind(told), told.error.clone(), attributes)
        }
        What::Hop { name, error } => {
            let mut attributes = object(said);
            attributes.push(text("messaging.system", "bus"));
            // `deliver order to WMS`: a call to another system.
            if let Some((_, target)) = name.rsplit_once(" to ") {
                attributes.push(text("peer.service", target));
            }
            (name.clone(), error.clone(), attributes)
        }
    };
    let end = nanos(said);
    let code = if error.is_some() { status::StatusCode::Error } else { status::StatusCode::Unset };
    Span {
        trace_id: said.trace.trace_id.to_vec(),
        span_id: said.trace.span_id.to_vec(),
        parent_span_id: if said.trace.parent == [0; 8] { Vec::new() } else { said.trace.parent.to_vec() },
        name,
        kind: if hop { span::SpanKind::Client } else { span::SpanKind::Internal }.into(),
        start_time_unix_nano: end.saturating_sub(u64::from(said.trace.took_ms) * 1_000_000),
        end_time_unix_nano: end,
        attributes,
        status: Some(Status { code: code.into(), message: error.unwrap_or_default() }),
        ..Default::default()
    }
}

/// What an event's envelope says, as attributes.
fn attributes(said: &Said, told: &Told) -> Vec<KeyValue> {
    let mut attributes = vec![text("biz.event.id", &told.id), text("biz.time", &time(said, told))];
    if told.spoilt == Some(Spoilt::NoObject) {
        attributes.push(text("biz.object.type", &said.object.kind));
    } else {
        attributes.extend(object(said));
    }
    let mut kinds: Vec<&str> = told.refs.iter().map(|r| r.kind.as_str()).collect();
    kinds.dedup();
    for kind in kinds {
        let ids: Value = told.refs.iter().filter(|r| r.kind == kind).map(|r| json!(r.id)).collect();
        attributes.push(KeyValue { key: format!("biz.ref.{kind}"), value: Some(any(&ids)), ..Default::default() });
    }
    attributes
}

fn object(said: &Said) -> Vec<KeyValue> {
    vec![text("biz.object.type", &said.object.kind), text("biz.object.id", &said.object.id)]
}

fn resource(source: &str) -> Resource {
    let attributes = vec![text("service.name", &source.replace('/', "-")), text("biz.source", source)];
    Resource { attributes, ..Default::default() }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope { name: "milepost.simulate".to_owned(), ..Default::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(any(&json!(value))), ..Default::default() }
}

fn any(value: &Value) -> AnyValue {
    use any_value::Value as Any;
    let value = match value {
        Value::Null => None,
        Value::Bool(yes) => Some(Any::BoolValue(*yes)),
        Value::Number(number) => {
            Some(number.as_i64().map_or_else(|| Any::StringValue(number.to_string()), Any::IntValue))
        }
        Value::String(text) => Some(Any::StringValue(text.clone())),
        Value::Array(values) => Some(Any::ArrayValue(ArrayValue { values: values.iter().map(any).collect() })),
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| KeyValue {
                key: key.clone(),
                value: Some(any(value)),
                ..Default::default()
            };
            Some(Any::KvlistValue(KeyValueList { values: members.iter().map(member).collect() }))
        }
    };
    AnyValue { value }
}

fn kind(told: &Told) -> String {
    match told.spoilt {
        Some(Spoilt::UnknownType) => format!("{}.v2", told.kind),
        _ => told.kind.to_owned(),
    }
}

fn time(said: &Said, told: &Told) -> String {
    match told.spoilt {
        Some(Spoilt::BadTime) => said.at.format("%d.%m.%Y %H:%M").to_string(),
        _ => rfc3339(said.at),
    }
}

fn data(told: &Told) -> Map<String, Value> {
    let mut data = told.data.clone();
    if told.spoilt == Some(Spoilt::WordForNumber) {
        let last = data.get_mut("lines").and_then(Value::as_array_mut).and_then(|lines| lines.last_mut());
        if let Some(line) = last {
            line["quantity"] = json!("five");
        } else if let Some(amount) = data.get_mut("amount") {
            amount["value"] = json!("n/a");
        }
    }
    data
}

fn traceparent(trace: &Trace) -> String {
    format!("00-{}-{}-01", hex::encode(trace.trace_id), hex::encode(trace.span_id))
}

fn nanos(said: &Said) -> u64 {
    said.at.timestamp_nanos_opt().and_then(|ns| u64::try_from(ns).ok()).unwrap_or_default()
}
