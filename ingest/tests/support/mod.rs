//! What the tests of this crate share: a sound event in each form, and a reader with everything at its default.

#![allow(dead_code, reason = "each test binary uses its part")]

use chrono::{DateTime, Utc};
use milepost_ingest::{Context, Contracts, Form, Limits, Mapping, Reading, Refusal, read};
use serde_json::{Value, json};

/// Reads with the shipped contracts; the key names the source `key/source`.
pub fn reading(form: Form, body: &[u8]) -> Result<Reading, Refusal> {
    reading_with(form, &[], body, &Mapping::none(), &Limits::default())
}

pub fn reading_with(
    form: Form,
    headers: &[(String, String)],
    body: &[u8],
    mapping: &Mapping,
    limits: &Limits,
) -> Result<Reading, Refusal> {
    let received_at: DateTime<Utc> = DateTime::UNIX_EPOCH;
    let ctx = Context { contracts: Contracts::shipped(), mapping, limits, received_at, source: "key/source" };
    read(form, headers, body, &ctx)
}

/// The event of the domain's own example.
pub fn shipped() -> Value {
    json!({
        "id": "wms-7781", "type": "shipment.shipped", "schema_version": 1, "source": "wms/east-2",
        "time": "2026-11-22T10:00:00+01:00", "object": {"type": "shipment", "id": "SH-88"},
        "refs": {"order": ["SO-10234"], "load": "L-7"},
        "data": {"lines": [
            {"order": "SO-10234", "line": "10", "sku": "AB-77", "quantity": "5", "unit": "EA", "lot": "A1"}]}
    })
}

pub fn cloudevent() -> Value {
    json!({
        "specversion": "1.0", "id": "tms-1", "type": "shipment.delivered", "source": "tms/main",
        "time": "2026-11-22T12:00:00Z", "subject": "shipment/SH-88",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "data": {"refs": {"load": ["L-7"]}, "carrier": "DHL"}
    })
}

/// Sets the value at a pointer (`null` removes it), making objects on the way.
pub fn with(mut value: Value, pointer: &str, new: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let name = name.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent).expect("a parent") {
        Value::Object(members) if new.is_null() => drop(members.remove(&name)),
        Value::Object(members) => drop(members.insert(name, new)),
        Value::Array(items) => items[name.parse::<usize>().expect("an index")] = new,
        other => panic!("{other} has no members"),
    }
    value
}

/// An OTLP/JSON attribute value.
pub fn otlp_value(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(on) => json!({"boolValue": on}),
        Value::Number(number) if number.is_i64() => json!({"intValue": number.to_string()}),
        Value::Number(number) => json!({"doubleValue": number}),
        Value::Array(items) => json!({"arrayValue": {"values": items.iter().map(otlp_value).collect::<Vec<_>>()}}),
        Value::Object(_) => json!({"kvlistValue": {"values": attributes(value)}}),
        Value::Null => json!({}),
    }
}

pub fn attributes(members: &Value) -> Value {
    let members = members.as_object().expect("an object");
    members.iter().map(|(key, value)| json!({"key": key, "value": otlp_value(value)})).collect()
}

/// A request with one log record: its own fields, and attributes as a plain object.
pub fn log(fields: Value, own: &Value) -> Value {
    let mut record = json!({
        "timeUnixNano": "1795341600000000000", "attributes": attributes(own),
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7"
    });
    record.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    let resource = json!({"attributes": attributes(&json!({"service.name": "wms-east", "biz.source": "wms/east-2"}))});
    json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {"name": "test"}, "logRecords": [record]}]}]})
}

/// Attributes that make an event of a log record.
pub fn biz() -> Value {
    json!({
        "event.name": "shipment.shipped", "biz.event.id": "wms-7781",
        "biz.object.type": "shipment", "biz.object.id": "SH-88",
        "biz.ref.order": ["SO-10234"], "biz.ref.load": "L-7",
        "biz.time": "2026-11-22T10:00:00+01:00",
        "biz.data.lines": "[{\"order\":\"SO-10234\",\"line\":\"10\",\"sku\":\"AB-77\",\"quantity\":\"5\",\"unit\":\"EA\",\"lot\":\"A1\"}]"
    })
}

/// A request with one span.
pub fn span(fields: Value, own: &Value) -> Value {
    let mut record = json!({
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "name": "issue invoice", "kind": 1,
        "startTimeUnixNano": "1795341600000000000", "endTimeUnixNano": "1795341601000000000",
        "attributes": attributes(own)
    });
    record.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    let resource = json!({"attributes": attributes(&json!({"service.name": "billing", "host.name": "b1"}))});
    json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [record]}]}]})
}
