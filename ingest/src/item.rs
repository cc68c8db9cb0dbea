//! One record of a stored payload, for people: JSON is shown as it came, OTLP as OTLP/JSON with its resource.
//! Reads with the generated messages, which is slow and fine: it serves a page, not a door.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;
use serde::Serialize;
use serde_json::{Value, json};

use crate::form::protobuf;
use crate::json::{document, elements, lines, value};
use crate::{Form, Limits, Refusal, cloudevent, dead_letter};

/// The record at `index` (the `index` of its event or refusal). None when the body cannot be read that far.
pub fn item(form: Form, headers: &[(String, String)], body: &[u8], index: u32) -> Option<Value> {
    let limits = Limits { depth: 100, value_bytes: u32::MAX, name_bytes: u32::MAX, ..Limits::default() };
    match form {
        Form::Json | Form::CloudEvent | Form::CloudEventBatch | Form::Acts => element(body, index, &limits),
        Form::Ndjson => loose(lines(body).nth(index as usize)?, &limits),
        Form::CloudEventBinary => {
            cloudevent::from_binary(headers, body, &limits).ok().filter(|_| index == 0).map(Value::Object)
        }
        Form::TracesProtobuf | Form::TracesJson => span(&protobuf(form, body).ok()?, index),
        Form::LogsProtobuf | Form::LogsJson => log(&protobuf(form, body).ok()?, index),
        Form::MetricsProtobuf | Form::MetricsJson => point(&protobuf(form, body).ok()?, index),
        Form::DeadLetters => inside(body, index, &limits),
        Form::Packed => None,
    }
}

fn element(body: &[u8], index: u32, limits: &Limits) -> Option<Value> {
    let text = document(body).ok()?;
    if !text.trim_start().starts_with('[') {
        return loose(body, limits).filter(|_| index == 0);
    }
    let (mut at, mut found) = (0, None);
    // Stops at the element; what the walk says after that does not matter.
    let _ = elements(text, limits, &mut |element| {
        if at == index {
            found = Some(element);
            return Err(stop());
        }
        at += 1;
        Ok(())
    });
    match found? {
        Ok(value) => Some(value),
        // Refused for a flaw such as a key twice: shown as a plain reader sees it.
        Err(_) => serde_json::from_str::<Vec<Value>>(text).ok()?.into_iter().nth(index as usize),
    }
}

fn stop() -> Refusal {
    Refusal::new(crate::Code::TooManyItems, "", "", "")
}

fn loose(body: &[u8], limits: &Limits) -> Option<Value> {
    let text = document(body).ok()?;
    value(text, limits).ok().or_else(|| serde_json::from_str(text).ok())
}

/// What stands in a dead letter, where that is JSON or at least text.
fn inside(body: &[u8], index: u32, limits: &Limits) -> Option<Value> {
    let payload = dead_letter(body, index)?.payload;
    loose(&payload, limits).or_else(|| String::from_utf8(payload).ok().map(Value::String))
}

fn span(protobuf: &[u8], index: u32) -> Option<Value> {
    let request = ExportTraceServiceRequest::decode(protobuf).ok()?;
    let mut left = index as usize;
    for group in &request.resource_spans {
        for scope in &group.scope_spans {
            if let Some(span) = scope.spans.get(left) {
                return Some(
                    json!({"resource": shown(&group.resource), "scope": shown(&scope.scope), "span": shown(span)}),
                );
            }
            left -= scope.spans.len();
        }
    }
    None
}

fn log(protobuf: &[u8], index: u32) -> Option<Value> {
    let request = ExportLogsServiceRequest::decode(protobuf).ok()?;
    let mut left = index as usize;
    for group in &request.resource_logs {
        for scope in &group.scope_logs {
            if let Some(record) = scope.log_records.get(left) {
                let (resource, scope) = (shown(&group.resource), shown(&scope.scope));
                return Some(json!({"resource": resource, "scope": scope, "logRecord": shown(record)}));
            }
            left -= scope.log_records.len();
        }
    }
    None
}

/// A point within its metric, the other points left out.
fn point(protobuf: &[u8], index: u32) -> Option<Value> {
    let request = ExportMetricsServiceRequest::decode(protobuf).ok()?;
    let mut left = index as usize;
    for group in &request.resource_metrics {
        for scope in &group.scope_metrics {
            for metric in &scope.metrics {
                let count = points(metric);
                if left < count {
                    let (resource, scope) = (shown(&group.resource), shown(&scope.scope));
                    return Some(json!({"resource": resource, "scope": scope, "metric": shown(&only(metric, left))}));
                }
                left -= count;
            }
        }
    }
    None
}

fn points(metric: &Metric) -> usize {
    match &metric.data {
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
        None => 0,
    }
}

fn only(metric: &Metric, index: usize) -> Metric {
    fn keep<T>(points: &mut Vec<T>, index: usize) {
        points.truncate(index + 1);
        points.drain(..index);
    }
    let mut metric = metric.clone();
    match &mut metric.data {
        Some(Data::Gauge(data)) => keep(&mut data.data_points, index),
        Some(Data::Sum(data)) => keep(&mut data.data_points, index),
        Some(Data::Histogram(data)) => keep(&mut data.data_points, index),
        Some(Data::ExponentialHistogram(data)) => keep(&mut data.data_points, index),
        Some(Data::Summary(data)) => keep(&mut data.data_points, index),
        None => {}
    }
    metric
}

fn shown<T: Serialize>(message: &T) -> Value {
    serde_json::to_value(message).unwrap_or(Value::Null)
}
