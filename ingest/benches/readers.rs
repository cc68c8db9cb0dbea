//! Nanoseconds per record of each reader on one core: `cargo bench -p milepost-ingest`. A plain program; it prints the
//! best and the median of its rounds, since others may share the machine.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for the terminal")]

use std::time::Instant;

use milepost_ingest::{Context, Contracts, Form, Limits, Mapping, read};
use serde_json::{Value, json};

const RECORDS: u32 = 500;

fn main() {
    let spans = milepost_ingest::traces_json_to_protobuf(spans().to_string().as_bytes()).unwrap();
    let logs = milepost_ingest::logs_json_to_protobuf(logs().to_string().as_bytes()).unwrap();
    let events: Vec<Value> = (0..RECORDS).map(event).collect();
    let lines: String = events.iter().map(|e| format!("{e}\n")).collect();
    bench("OTLP spans, protobuf", Form::TracesProtobuf, &spans);
    bench("OTLP spans, JSON", Form::TracesJson, self::spans().to_string().as_bytes());
    bench("OTLP logs that are events, protobuf", Form::LogsProtobuf, &logs);
    bench("JSON events, array", Form::Json, json!(events).to_string().as_bytes());
    bench("JSON events, NDJSON", Form::Ndjson, lines.as_bytes());
}

fn bench(title: &str, form: Form, body: &[u8]) {
    let (mapping, limits) = (Mapping::none(), Limits::default());
    let received_at = chrono::DateTime::UNIX_EPOCH;
    let ctx = Context { contracts: Contracts::shipped(), mapping: &mapping, limits: &limits, received_at, source: "k" };
    let mut rounds: Vec<u128> = (0..400)
        .map(|_| {
            let start = Instant::now();
            let reading = read(form, &[], body, &ctx).unwrap();
            let took = start.elapsed().as_nanos();
            assert!(reading.refusals.is_empty(), "{:?}", reading.refusals.first());
            assert_eq!(reading.items, RECORDS);
            took / u128::from(RECORDS)
        })
        .collect();
    rounds.sort_unstable();
    println!("{title:36} {:>6} ns best, {:>6} ns median, {} bytes", rounds[0], rounds[200], body.len());
}

fn attributes(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect()
}

fn spans() -> Value {
    let resource = attributes(&[
        ("service.name", "checkout"),
        ("service.version", "1.4.2"),
        ("host.name", "node-17"),
        ("deployment.environment", "production"),
    ]);
    let spans: Vec<Value> = (0..RECORDS)
        .map(|i| {
            let order = format!("SO-{i:06}");
            let own = attributes(&[
                ("biz.object.type", "order"),
                ("biz.object.id", &order),
                ("http.request.method", "POST"),
                ("http.route", "/api/orders/{id}/release"),
                ("server.address", "erp.internal.example"),
                ("http.response.status_code", "200"),
                ("thread.name", "worker-4"),
                ("peer.service", "wms"),
            ]);
            json!({"traceId": format!("{:032x}", i + 1), "spanId": format!("{:016x}", i + 1), "parentSpanId": "00f067aa0ba902b7",
                "name": "POST /api/orders/{id}/release", "kind": 2, "startTimeUnixNano": "1795341600000000000",
                "endTimeUnixNano": "1795341601000000000", "attributes": own, "status": {"code": 1}})
        })
        .collect();
    json!({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": spans}]}]})
}

fn logs() -> Value {
    let resource = attributes(&[("service.name", "wms-east"), ("biz.source", "wms/east-2")]);
    let records: Vec<Value> = (0..RECORDS)
        .map(|i| {
            let (id, object, order) = (format!("wms-{i}"), format!("SH-{i:06}"), format!("SO-{i:06}"));
            let own = attributes(&[
                ("biz.event.id", &id),
                ("biz.object.type", "shipment"),
                ("biz.object.id", &object),
                ("biz.ref.order", &order),
                ("biz.time", "2026-11-22T10:00:00+01:00"),
            ]);
            let body =
                json!({"lines": [{"order": order, "line": "10", "sku": "AB-77", "quantity": "5", "unit": "EA"}]});
            json!({"timeUnixNano": "1795341600000000000", "eventName": "shipment.shipped", "attributes": own,
                "body": {"stringValue": body.to_string()}})
        })
        .collect();
    json!({"resourceLogs": [{"resource": {"attributes": resource}, "scopeLogs": [{"logRecords": records}]}]})
}

fn event(i: u32) -> Value {
    json!({"id": format!("wms-{i}"), "type": "shipment.shipped", "schema_version": 1, "source": "wms/east-2",
        "time": "2026-11-22T10:00:00+01:00", "object": {"type": "shipment", "id": format!("SH-{i:06}")},
        "refs": {"order": [format!("SO-{i:06}")], "load": ["L-7"]},
        "data": {"lines": [{"order": format!("SO-{i:06}"), "line": "10", "sku": "AB-77", "quantity": "5", "unit": "EA", "lot": "A1"}]}})
}
