//! What sound payloads become: the same event told in every form, and the technical records around it.

#![expect(clippy::unwrap_used, clippy::result_large_err, reason = "tests")]

mod support;

use milepost_ingest::{Event, Form, Limits, Mapping, ObjectRef, Reading, TraceRef, item};
use serde_json::{Value, json};
use support::*;

/// The only event of a body in which nothing is refused.
#[track_caller]
fn event(form: Form, body: &Value) -> Event {
    let mut reading = reading(form, body.to_string().as_bytes()).unwrap();
    assert_eq!(reading.refusals, []);
    assert_eq!(reading.events.len(), 1);
    reading.events.remove(0)
}

fn refs(event: &Event) -> Vec<String> {
    event.refs.iter().map(ToString::to_string).collect()
}

fn read_spans(body: &Value) -> Reading {
    reading(Form::TracesJson, body.to_string().as_bytes()).unwrap()
}

#[test]
fn the_example_of_the_domain_is_read_to_the_letter() {
    let event = event(Form::Json, &shipped());
    assert_eq!((&*event.id, &*event.kind, event.schema_version), ("wms-7781", "shipment.shipped", 1));
    assert_eq!((&*event.source, &*event.system), ("wms/east-2", "wms"));
    assert_eq!(event.object, ObjectRef::new("shipment", "SH-88"));
    assert_eq!(refs(&event), ["load/L-7", "order/SO-10234"]);
    assert_eq!(event.occurred_at.to_rfc3339(), "2026-11-22T10:00:00+01:00");
    assert_eq!(Value::Object(event.data), shipped()["data"]);
}

#[test]
fn an_event_is_the_same_in_every_form() {
    let plain = event(Form::Json, &shipped());
    let data = shipped()["data"].clone();
    let cloud = json!({
        "specversion": "1.0", "id": "wms-7781", "type": "shipment.shipped", "source": "wms/east-2",
        "time": "2026-11-22T10:00:00+01:00", "subject": "shipment/SH-88", "dataschemaversion": "1",
        "data": with(data.clone(), "/refs", shipped()["refs"].clone())
    });
    assert_eq!(event(Form::CloudEvent, &cloud), plain);
    assert_eq!(event(Form::CloudEventBatch, &json!([cloud])), plain);
    // A sender that forgets the content type of CloudEvents is understood all the same.
    assert_eq!(event(Form::Json, &cloud), plain);

    let headers: Vec<(String, String)> = ["id", "type", "source", "time", "subject", "specversion"]
        .iter()
        .map(|name| (format!("Ce-{name}"), cloud[name].as_str().unwrap().replace('/', "%2F")))
        .collect();
    let body = cloud["data"].to_string();
    let limits = Limits::default();
    let binary = reading_with(Form::CloudEventBinary, &headers, body.as_bytes(), &Mapping::none(), &limits).unwrap();
    assert_eq!(binary.events, std::slice::from_ref(&plain));

    let trace = TraceRef { trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".into(), span_id: "00f067aa0ba902b7".into() };
    let traced = Event { trace, ..plain };
    let attributes = biz();
    assert_eq!(event(Form::LogsJson, &log(json!({}), &attributes)), traced);
    let without_lines = with(attributes.clone(), "/biz.data.lines", Value::Null);
    let as_text = json!({"body": {"stringValue": data.to_string()}});
    assert_eq!(event(Form::LogsJson, &log(as_text, &without_lines)), traced);
    let as_list = json!({"body": otlp_value(&data)});
    assert_eq!(event(Form::LogsJson, &log(as_list, &without_lines)), traced);
    let own_name = json!({"eventName": "shipment.shipped", "body": otlp_value(&data)});
    let unnamed = with(without_lines.clone(), "/event.name", Value::Null);
    assert_eq!(event(Form::LogsJson, &log(own_name, &unnamed)), traced);

    let mut dotted = with(without_lines, "/event.name", Value::Null);
    dotted["biz.event.type"] = json!("shipment.shipped");
    dotted["biz.source"] = json!("wms/east-2");
    for (name, value) in data["lines"][0].as_object().unwrap() {
        dotted[format!("biz.data.lines.0.{name}")] = value.clone();
    }
    assert_eq!(event(Form::TracesJson, &span(json!({}), &dotted)), traced);
}

#[test]
fn what_a_record_leaves_out_comes_from_its_key_and_its_source() {
    let bare = json!({"id": "1", "type": "order.released", "time": "2026-11-22T10:00:00Z", "object": "order/SO/1"});
    let event = event(Form::Json, &bare);
    assert_eq!((&*event.source, &*event.system, event.schema_version), ("key/source", "key", 1));
    assert_eq!(event.object, ObjectRef::new("order", "SO/1"));
}

#[test]
fn a_source_that_is_a_url_counts_as_the_usual_system_of_its_events() {
    let bare = json!({"id": "1", "type": "order.released", "time": "2026-11-22T10:00:00Z", "object": "order/SO-1",
        "source": "https://erp.example/instances/1"});
    assert_eq!(event(Form::Json, &bare).system, "erp");
}

#[test]
fn links_are_sorted_once_each_and_never_to_the_object_itself() {
    let body = with(shipped(), "/refs", json!({"order": ["SO-2", "SO-1", "SO-2"], "shipment": "SH-88", "load": null}));
    assert_eq!(refs(&event(Form::Json, &body)), ["order/SO-1", "order/SO-10234", "order/SO-2"]);
}

#[test]
fn null_says_nothing() {
    let body = with(shipped(), "/data/carrier", json!("DHL"));
    let body = body.to_string().replace("\"DHL\"", "null").replace("\"A1\"", "null");
    let reading = reading(Form::Json, body.as_bytes()).unwrap();
    let data = Value::Object(reading.events[0].data.clone());
    assert_eq!((data.get("carrier"), data.pointer("/lines/0/lot")), (None, None));
}

#[test]
fn numbers_keep_their_digits() {
    let body = shipped().to_string().replace("\"5\"", "9007199254740993.10");
    let reading = reading(Form::Json, body.as_bytes()).unwrap();
    assert_eq!(reading.events[0].data["lines"][0]["quantity"].to_string(), "9007199254740993.10");
}

#[test]
fn trace_context_is_taken_in_every_spelling_or_left_out() {
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    for (name, value, expected) in [
        ("/trace", json!({"trace_id": trace.to_uppercase(), "span_id": parent}), (trace, parent)),
        ("/trace", json!({"trace_id": trace}), (trace, "")),
        ("/traceparent", json!(format!("00-{trace}-{parent}-01")), (trace, parent)),
        ("/traceparent", json!("00-short-x-01"), ("", "")),
        ("/trace", json!({"trace_id": "0".repeat(32), "span_id": parent}), ("", "")),
    ] {
        let event = event(Form::Json, &with(shipped(), name, value));
        assert_eq!((&*event.trace.trace_id, &*event.trace.span_id), expected);
    }
}

#[test]
fn an_encoded_cloudevent_is_opened() {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(cloudevent()["data"].to_string());
    let body = with(with(cloudevent(), "/data", Value::Null), "/data_base64", json!(encoded));
    assert_eq!(event(Form::CloudEvent, &body), event(Form::CloudEvent, &cloudevent()));
}

#[test]
fn a_span_that_is_an_event_is_also_kept_as_span() {
    let attributes = json!({
        "biz.event.type": "invoice.issued", "biz.object.type": "invoice", "biz.object.id": 90210,
        "biz.ref.shipment": ["SH-88", "SH-89"], "biz.data.amount.value": "123.45", "biz.data.amount.currency": "EUR",
        "biz.system": "billing", "http.route": "/invoices"
    });
    let reading = read_spans(&span(json!({}), &attributes));
    let (event, span) = (&reading.events[0], &reading.spans[0]);
    assert_eq!((reading.items, reading.doubled, reading.refusals.len()), (1, 1, 0));
    // Its ids make the idempotency key, and it happened when the span ended.
    assert_eq!(event.id, "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7");
    assert_eq!(event.occurred_at.to_rfc3339(), "2026-11-22T10:00:01+00:00");
    assert_eq!(event.object, ObjectRef::new("invoice", "90210"));
    assert_eq!(refs(event), ["shipment/SH-88", "shipment/SH-89"]);
    assert_eq!(Value::Object(event.data.clone()), json!({"amount": {"value": "123.45", "currency": "EUR"}}));
    assert_eq!((&*event.source, &*event.system), ("key/source", "billing"));
    assert_eq!((&*span.service, &*span.system, span.object.as_ref()), ("billing", "billing", Some(&event.object)));
    let kept: Vec<&str> = span.attributes.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(kept, ["biz.event.type", "http.route", "resource.host.name"]);
}

#[test]
fn an_error_span_of_an_object_keeps_status_and_events() {
    let fields = json!({
        "status": {"code": 2, "message": "timeout"},
        "events": [{"timeUnixNano": "5", "name": "exception", "attributes": attributes(&json!({"exception.type": "T"}))}]
    });
    let reading =
        read_spans(&span(fields, &json!({"biz.object.type": "order", "biz.object.id": "SO-1", "biz.step": 3})));
    let span = &reading.spans[0];
    assert_eq!((span.status, &*span.status_message, reading.doubled), (2, "timeout", 0));
    assert_eq!(span.object, Some(ObjectRef::new("order", "SO-1")));
    assert_eq!(span.events, r#"[{"attributes":{"exception.type":"T"},"name":"exception","time_ns":"5"}]"#);
    assert!(span.attributes.contains(&("biz.step".to_owned(), "3".to_owned())));
}

#[test]
fn a_span_whose_event_is_refused_stays_in_its_trace() {
    let reading = read_spans(&span(json!({}), &json!({"biz.event.type": "order.released"})));
    assert_eq!((reading.spans.len(), reading.events.len(), reading.refusals.len(), reading.doubled), (1, 0, 1, 1));
    assert_eq!(reading.refusals[0].hint.event_type, "order.released");
}

#[test]
fn a_log_record_of_another_convention_stays_a_log() {
    let fields =
        json!({"severityNumber": 17, "body": {"stringValue": "disk full"}, "eventName": "device.app.lifecycle"});
    let own = json!({"disk": "sda", "biz.object.type": "order", "biz.object.id": "SO-1"});
    let reading = reading(Form::LogsJson, log(fields, &own).to_string().as_bytes()).unwrap();
    let log = &reading.logs[0];
    assert_eq!((reading.items, reading.events.len(), reading.doubled), (1, 0, 0));
    assert_eq!((log.severity, &*log.body, &*log.service, &*log.source), (17, "disk full", "wms-east", "wms/east-2"));
    assert_eq!(log.object, Some(ObjectRef::new("order", "SO-1")));
    let expected = [("disk", "sda"), ("event.name", "device.app.lifecycle")];
    assert_eq!(log.attributes, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
}

#[test]
fn all_five_kinds_of_metrics_are_kept() {
    let at = json!({"timeUnixNano": "7", "attributes": attributes(&json!({"queue": "in"}))});
    let point = |more: Value| {
        let mut point = at.clone();
        point.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"dataPoints": [point]})
    };
    let body = json!({"resourceMetrics": [{"resource": {"attributes": attributes(&json!({"service.name": "tms"}))},
    "scopeMetrics": [{"metrics": [
        {"name": "g", "unit": "1", "gauge": point(json!({"asDouble": 1.5}))},
        {"name": "s", "sum": point(json!({"asInt": "-3"}))},
        {"name": "h", "histogram": point(json!({"count": "3", "sum": 6, "bucketCounts": ["1", "2"], "explicitBounds": [2.0]}))},
        {"name": "e", "exponentialHistogram": point(json!({"count": 4, "sum": 9, "scale": 0, "zeroCount": 1,
            "positive": {"offset": 1, "bucketCounts": [2]}, "negative": {"offset": 0, "bucketCounts": ["1"]}}))},
        {"name": "q", "summary": point(json!({"count": 2, "sum": 5, "quantileValues": [{"quantile": 0.5, "value": 2.5}]}))}
    ]}]}]});
    let reading = reading(Form::MetricsJson, body.to_string().as_bytes()).unwrap();
    type Told<'p> = (&'p str, &'p str, f64, u64, &'p [f64], &'p [f64]);
    let told: Vec<Told> =
        reading.points.iter().map(|p| (&*p.name, p.kind, p.value, p.count, &*p.bounds, &*p.buckets)).collect();
    let expected: [Told; 5] = [
        ("g", "gauge", 1.5, 0, &[], &[]),
        ("s", "sum", -3.0, 0, &[], &[]),
        ("h", "histogram", 6.0, 3, &[2.0], &[1.0, 2.0]),
        ("e", "exponential_histogram", 9.0, 4, &[-1.0, 0.0, 4.0], &[1.0, 1.0, 2.0]),
        ("q", "summary", 5.0, 2, &[0.5], &[2.5]),
    ];
    assert_eq!(told, expected);
    assert!(reading.points.iter().all(|p| p.service == "tms" && p.time_ns == 7));
    assert_eq!(reading.items, 5);
}

#[test]
fn what_real_senders_write_besides_the_letter_is_understood() {
    let record = json!({
        "trace_id": "4BF92F3577B34DA6A3CE929D0E0E4736", "span_id": "APBnqgupArc", "parentSpanId": null, "name": "x",
        "kind": 3.0, "startTimeUnixNano": 1_795_341_600_000_000_000_u64, "end_time_unix_nano": "1795341601000000000",
        "links": null, "unknown": {"a": 1}, "attributes": [
            {"key": "empty", "value": null}, {"key": "list", "value": {"arrayValue": {}}},
            {"key": "map", "value": {"kvlistValue": {}}}, {"key": "nan", "value": {"doubleValue": "NaN"}},
            {"key": "text", "value": {"doubleValue": "1.5"}}, {"key": "int", "value": {"int_value": 4.0}},
            {"key": "bytes", "value": {"bytesValue": "-_8"}},
            {"key": "gap", "value": {"arrayValue": {"values": [{"intValue": 1}, null]}}}]
    });
    let body = json!({"resource_spans": [{"resource": null, "scopeSpans": [{"scope": {}, "spans": [record]}]}]});
    let reading = read_spans(&body);
    let span = &reading.spans[0];
    assert_eq!(span.trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(span.trace.span_id, "00f067aa0ba902b7");
    assert_eq!((span.kind, span.end_ns - span.start_ns), (3, 1_000_000_000));
    let expected = [
        ("empty", ""),
        ("list", "[]"),
        ("map", "{}"),
        ("nan", "NaN"),
        ("text", "1.5"),
        ("int", "4"),
        ("bytes", "+/8="),
        ("gap", "[1,null]"),
    ];
    assert_eq!(span.attributes, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
}

#[test]
fn the_example_of_the_page_arrives_from_the_python_sdk() {
    // What docs/events.md's example sent with opentelemetry-sdk 1.45.2 over OTLP/HTTP.
    let reading = reading(Form::LogsProtobuf, include_bytes!("captured/python-sdk-1.45.2-logs.bin")).unwrap();
    let event = &reading.events[0];
    assert_eq!((&*event.kind, &*event.id, &*event.source), ("shipment.shipped", "wms-7781", "wms/east-2"));
    assert_eq!((refs(event), &event.data["lines"][0]["quantity"]), (vec!["order/SO-10234".to_owned()], &json!("5")));
}

#[test]
fn a_mapping_file_makes_events_of_foreign_spans() {
    let mapping = Mapping::parse(include_str!("../../definitions/mapping.toml")).unwrap();
    let own =
        json!({"app.order.id": "o-1", "app.user.id": "u-1", "app.order.amount": 12.5, "app.user.currency": "EUR"});
    let mut body = span(json!({"name": "oteldemo.CheckoutService/PlaceOrder"}), &own);
    body["resourceSpans"][0]["resource"]["attributes"] = attributes(&json!({"service.name": "checkout"}));
    let read = |body: &Value| {
        reading_with(Form::TracesJson, &[], body.to_string().as_bytes(), &mapping, &Limits::default()).unwrap()
    };
    let reading = read(&body);
    assert_eq!(reading.refusals, []);
    let event = &reading.events[0];
    assert_eq!((&*event.kind, &*event.source, &*event.system), ("order.created", "shop/otel-demo", "erp"));
    assert_eq!(event.object, ObjectRef::new("order", "o-1"));
    assert_eq!(event.data["amount"], json!({"value": 12.5, "currency": "EUR"}));

    let reading = read(&span(json!({}), &json!({"app.order.id": "o-1"})));
    assert_eq!((reading.events.len(), reading.spans[0].object.clone()), (0, Some(ObjectRef::new("order", "o-1"))));
}

#[test]
fn nothing_sent_is_nothing_refused() {
    for form in [Form::TracesProtobuf, Form::LogsProtobuf, Form::MetricsProtobuf] {
        assert_eq!(reading(form, b"").unwrap(), Reading::default());
    }
    assert_eq!(reading(Form::Json, b"[]").unwrap(), Reading::default());
    assert_eq!(reading(Form::TracesJson, b"{}").unwrap(), Reading::default());
}

#[test]
fn one_record_of_a_payload_can_be_shown() {
    let bodies = [
        (Form::Json, json!([cloudevent(), shipped()]).to_string(), shipped()),
        (Form::Ndjson, format!("{}\n\n{}", cloudevent(), shipped()), shipped()),
    ];
    for (form, body, second) in bodies {
        assert_eq!(item(form, &[], body.as_bytes(), 1), Some(second));
        assert_eq!(item(form, &[], body.as_bytes(), 2), None);
    }
    let body = log(json!({"body": {"stringValue": "hello"}}), &json!({"n": 5}));
    for form in [Form::LogsJson, Form::LogsProtobuf] {
        let bytes = match form {
            Form::LogsJson => body.to_string().into_bytes(),
            _ => milepost_ingest::logs_json_to_protobuf(body.to_string().as_bytes()).unwrap(),
        };
        let shown = item(form, &[], &bytes, 0).unwrap();
        assert_eq!(shown.pointer("/logRecord/body/stringValue"), Some(&json!("hello")));
        assert_eq!(shown.pointer("/logRecord/attributes/0"), Some(&json!({"key": "n", "value": {"intValue": "5"}})));
        assert_eq!(shown.pointer("/scope/name"), Some(&json!("test")));
    }
    // Of a record that was refused for a key twice, what a plain reader sees.
    assert_eq!(item(Form::Json, &[], br#"[{"a": 1, "a": 2}]"#, 0), Some(json!({"a": 2})));
}
