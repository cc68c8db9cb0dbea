//! What holds for any payload whatever.

#![expect(clippy::unwrap_used, clippy::result_large_err, reason = "tests")]

mod support;

use milepost_ingest::{Form, Limits, Mapping, Reading, Refusal};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as V;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};
use support::*;

/// Values that mean something to the readers, and some that do not.
fn any_value() -> impl Strategy<Value = AnyValue> {
    let texts = prop_oneof![
        Just("shipment.shipped"),
        Just("order.created"),
        Just("shipment"),
        Just("order"),
        Just("SO-1"),
        Just(""),
        Just("2026-11-22T10:00:00+01:00"),
        Just("2026-11-22T10:00:00"),
        Just("{\"lines\": []}"),
        Just("[1"),
        Just("ü\u{202e}")
    ];
    let leaf = prop_oneof![
        4 => texts.prop_map(|t| Some(V::StringValue(t.to_owned()))),
        1 => any::<bool>().prop_map(|b| Some(V::BoolValue(b))),
        1 => any::<i64>().prop_map(|i| Some(V::IntValue(i))),
        1 => (-1e9..1e9).prop_map(|d: f64| Some(V::DoubleValue(d))),
        1 => vec(any::<u8>(), 0..5).prop_map(|b| Some(V::BytesValue(b))),
        1 => Just(None),
    ];
    let leaf = leaf.prop_map(|value| AnyValue { value });
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|values| V::ArrayValue(ArrayValue { values })),
            vec(("[a-c]", inner), 0..3).prop_map(|pairs| {
                let pair = |(key, value)| KeyValue { key, value: Some(value), ..KeyValue::default() };
                V::KvlistValue(KeyValueList { values: pairs.into_iter().map(pair).collect() })
            }),
        ]
        .prop_map(|value| AnyValue { value: Some(value) })
    })
}

fn key_values() -> impl Strategy<Value = Vec<KeyValue>> {
    let names = prop_oneof![
        Just("biz.event.type"),
        Just("biz.event.id"),
        Just("biz.object.type"),
        Just("biz.object.id"),
        Just("biz.time"),
        Just("biz.ref.order"),
        Just("biz.ref.odd"),
        Just("biz.data"),
        Just("biz.data.a"),
        Just("biz.data.a.b"),
        Just("biz.data.lines"),
        Just("biz.schema_version"),
        Just("biz.source"),
        Just("biz.system"),
        Just("event.name"),
        Just("service.name"),
        Just("http.route"),
        Just("app.order.id")
    ];
    vec((names, any_value()), 0..6).prop_map(|pairs| {
        let pair =
            |(key, value): (&str, _)| KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() };
        pairs.into_iter().map(pair).collect()
    })
}

/// A record that is an event unless one of `more` spoils it.
fn event_attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    (any::<bool>(), key_values()).prop_map(|(sound, mut more)| {
        let names = [
            ("biz.event.type", "shipment.shipped"),
            ("biz.event.id", "e-1"),
            ("biz.object.type", "shipment"),
            ("biz.object.id", "SH-1"),
        ];
        let text = |text: &str| Some(AnyValue { value: Some(V::StringValue(text.to_owned())) });
        let own = names.map(|(key, value)| KeyValue { key: key.to_owned(), value: text(value), ..KeyValue::default() });
        if sound {
            more.retain(|kv| !kv.key.starts_with("biz."));
            more.extend(own);
        }
        more
    })
}

fn resource() -> impl Strategy<Value = Option<Resource>> {
    option::of(key_values().prop_map(|attributes| Resource { attributes, ..Resource::default() }))
}

fn nanos() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1_795_341_600_000_000_000), any::<u64>()]
}

prop_compose! {
    fn spans()(
        resource in resource(),
        spans in vec((event_attributes(), vec(any::<u8>(), 16), vec(any::<u8>(), 0..9), nanos(), 0..3_i32, key_values()), 0..4)
    ) -> ExportTraceServiceRequest {
        let spans = spans.into_iter().map(|(attributes, trace_id, span_id, at, code, noted)| Span {
            trace_id, span_id, attributes, name: "step".to_owned(), kind: 2,
            start_time_unix_nano: at / 2, end_time_unix_nano: at,
            status: Some(Status { code, message: "m".to_owned() }),
            events: vec![span::Event { time_unix_nano: at, name: "note".to_owned(), attributes: noted, ..Default::default() }],
            ..Span::default()
        }).collect();
        let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
        ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { resource, scope_spans, ..Default::default() }] }
    }
}

prop_compose! {
    fn logs()(
        resource in resource(),
        records in vec((event_attributes(), option::of(any_value()), nanos(), nanos(), 0..25_i32), 0..4)
    ) -> ExportLogsServiceRequest {
        let log_records = records.into_iter().map(|(attributes, body, time_unix_nano, observed_time_unix_nano, severity_number)| {
            LogRecord { attributes, body, time_unix_nano, observed_time_unix_nano, severity_number, ..LogRecord::default() }
        }).collect();
        let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
        ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { resource, scope_logs, ..Default::default() }] }
    }
}

prop_compose! {
    fn metrics()(
        resource in resource(), name in "[a-b]{0,2}", attributes in key_values(), time_unix_nano in nanos(),
        whole in any::<i64>(), counts in vec(any::<u64>(), 0..4), scale in -30..30_i32, offset in any::<i32>(), sum in option::of(-1e9..1e9)
    ) -> ExportMetricsServiceRequest {
        let number = |value| NumberDataPoint { attributes: attributes.clone(), time_unix_nano, value: Some(value), ..Default::default() };
        let points = vec![number(number_data_point::Value::AsInt(whole)), number(number_data_point::Value::AsDouble(0.5))];
        let histogram = HistogramDataPoint {
            attributes: attributes.clone(), time_unix_nano, count: 9, sum, bucket_counts: counts.clone(), explicit_bounds: vec![1.0, 2.5],
            ..Default::default()
        };
        let exponential = ExponentialHistogramDataPoint {
            attributes: attributes.clone(), time_unix_nano, count: 9, sum, scale, zero_count: 3,
            positive: Some(Buckets { offset, bucket_counts: counts.clone() }), negative: Some(Buckets { offset: -offset.max(-9), bucket_counts: counts }),
            ..Default::default()
        };
        let metric = |data| Metric { name: name.clone(), unit: "ms".to_owned(), data: Some(data), ..Metric::default() };
        let metrics = vec![
            metric(Data::Gauge(Gauge { data_points: points })),
            metric(Data::Histogram(Histogram { data_points: vec![histogram], aggregation_temporality: 2 })),
            metric(Data::ExponentialHistogram(ExponentialHistogram { data_points: vec![exponential], aggregation_temporality: 1 })),
        ];
        let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
        ExportMetricsServiceRequest { resource_metrics: vec![ResourceMetrics { resource, scope_metrics, ..Default::default() }] }
    }
}

/// A JSON event, sound or with something wrong that is no matter of syntax.
fn json_event() -> impl Strategy<Value = Value> {
    let changes = prop_oneof![
        4 => Just(("/data/note", json!("x"))),
        1 => Just(("/id", Value::Null)),
        1 => Just(("/type", json!("order.sent"))),
        1 => Just(("/time", json!("2026-11-22T10:00:00"))),
        1 => Just(("/data/lines/0/quantity", json!("many"))),
        1 => Just(("/object", json!(7))),
        1 => Just(("/data/note", json!("a\u{0}"))),
        1 => Just(("/refs", json!({"order": "SO-9"}))),
    ];
    let base = prop_oneof![Just(shipped()), Just(cloudevent())];
    (base, changes).prop_map(|(base, (pointer, value))| {
        let reachable = base.pointer(pointer.rsplit_once('/').map_or("", |(parent, _)| parent)).is_some();
        if reachable { with(base, pointer, value) } else { base }
    })
}

/// Bytes near to real payloads: a sound one with some bytes changed, or cut.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let sound = prop_oneof![
        spans().prop_map(|r| r.encode_to_vec()),
        logs().prop_map(|r| r.encode_to_vec()),
        metrics().prop_map(|r| r.encode_to_vec()),
        spans().prop_map(|r| serde_json::to_vec(&r).unwrap()),
        logs().prop_map(|r| serde_json::to_vec(&r).unwrap()),
        vec(json_event(), 1..3).prop_map(|e| serde_json::to_vec(&e).unwrap()),
        json_event().prop_map(|e| serde_json::to_vec(&e).unwrap()),
    ];
    (sound, vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), any::<prop::sample::Index>(), any::<bool>())
        .prop_map(|(mut bytes, changes, end, cut)| {
            for (at, byte) in changes
                .iter()
                .filter(|_| !bytes.is_empty())
                .map(|(i, b)| (i.index(bytes.len()), *b))
                .collect::<Vec<_>>()
            {
                bytes[at] = byte;
            }
            if cut {
                bytes.truncate(end.index(bytes.len() + 1));
            }
            bytes
        })
}

/// Every record is accounted for: nothing is lost, nothing is counted twice.
fn balanced(reading: &Reading) -> Result<(), TestCaseError> {
    let technical = reading.spans.len() + reading.logs.len() + reading.points.len();
    let told = reading.events.len() + reading.refusals.len() + technical;
    prop_assert_eq!(reading.items as usize + reading.doubled as usize, told, "{:?}", reading);
    prop_assert!(reading.refusals.iter().all(|r| r.index < reading.items));
    prop_assert!(reading.events.iter().all(|e| e.index < reading.items));
    Ok(())
}

fn mapping() -> Mapping {
    Mapping::parse(include_str!("../../definitions/mapping.toml")).unwrap()
}

fn mapped(form: Form, body: &[u8]) -> Result<Reading, Refusal> {
    let headers = [("ce-specversion".to_owned(), "1.0".to_owned()), ("ce-subject".to_owned(), "order/%".to_owned())];
    reading_with(form, &headers, body, &mapping(), &Limits::default())
}

/// What one form makes of the wire bytes and the other of the JSON text is the same, NaN included.
fn agree(protobuf: (Form, &[u8]), json: (Form, &[u8])) -> Result<(), TestCaseError> {
    let (a, b) = (mapped(protobuf.0, protobuf.1).unwrap(), mapped(json.0, json.1).unwrap());
    balanced(&a)?;
    prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
    Ok(())
}

fn strip(mut event: milepost_ingest::Event) -> milepost_ingest::Event {
    event.index = 0;
    event
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused_and_nothing_panics(bytes in vec(any::<u8>(), 0..200)) {
        for form in Form::ALL {
            if let Ok(reading) = mapped(form, &bytes) {
                balanced(&reading)?;
            }
            let _ = milepost_ingest::item(form, &[], &bytes, 0);
        }
    }

    #[test]
    fn bytes_near_to_real_payloads_are_read_or_refused_and_every_record_counts(bytes in nearly()) {
        for form in Form::ALL {
            if let Ok(reading) = mapped(form, &bytes) {
                balanced(&reading)?;
            }
            let _ = milepost_ingest::item(form, &[], &bytes, 1);
        }
    }

    #[test]
    fn protobuf_and_json_of_the_same_spans_are_the_same_reading(request in spans()) {
        let json = serde_json::to_vec(&request).unwrap();
        agree((Form::TracesProtobuf, &request.encode_to_vec()), (Form::TracesJson, &json))?;
        let ours = milepost_ingest::traces_json_to_protobuf(&json).unwrap();
        prop_assert_eq!(ExportTraceServiceRequest::decode(&*ours).unwrap(), request);
    }

    #[test]
    fn protobuf_and_json_of_the_same_logs_are_the_same_reading(request in logs()) {
        let json = serde_json::to_vec(&request).unwrap();
        agree((Form::LogsProtobuf, &request.encode_to_vec()), (Form::LogsJson, &json))?;
        let ours = milepost_ingest::logs_json_to_protobuf(&json).unwrap();
        prop_assert_eq!(ExportLogsServiceRequest::decode(&*ours).unwrap(), request);
    }

    #[test]
    fn protobuf_and_json_of_the_same_metrics_are_the_same_reading(request in metrics()) {
        let json = serde_json::to_vec(&request).unwrap();
        agree((Form::MetricsProtobuf, &request.encode_to_vec()), (Form::MetricsJson, &json))?;
        let ours = milepost_ingest::metrics_json_to_protobuf(&json).unwrap();
        prop_assert_eq!(ExportMetricsServiceRequest::decode(&*ours).unwrap(), request);
    }

    #[test]
    fn an_array_its_lines_and_its_events_one_by_one_are_the_same(events in vec(json_event(), 1..6)) {
        let array = reading(Form::Json, json!(events).to_string().as_bytes()).unwrap();
        let lines: String = events.iter().map(|e| format!("{e}\n")).collect();
        balanced(&array)?;
        prop_assert_eq!(&array, &reading(Form::Ndjson, lines.as_bytes()).unwrap());

        let mut singly = Reading { items: array.items, ..Reading::default() };
        for (index, event) in (0..).zip(&events) {
            match reading(Form::Json, event.to_string().as_bytes()) {
                Ok(one) => {
                    singly.events.extend(one.events.into_iter().map(|e| milepost_ingest::Event { index, ..e }));
                    singly.refusals.extend(one.refusals.into_iter().map(|r| Refusal { index, ..r }));
                }
                // Alone, a record that cannot be read is a body that cannot be read.
                Err(refusal) => singly.refusals.push(Refusal { index, ..refusal }),
            }
        }
        prop_assert_eq!(array, singly);
    }

    #[test]
    fn an_event_survives_being_written_and_read_again(event in json_event()) {
        if let Ok(first) = reading(Form::Json, event.to_string().as_bytes()) {
            for event in first.events {
                let mut value = serde_json::to_value(&event).unwrap();
                // As stored, links are a list; on the wire they are grouped by type.
                let mut refs = serde_json::Map::new();
                for link in &event.refs {
                    let ids = refs.entry(link.kind.clone()).or_insert_with(|| json!([]));
                    ids.as_array_mut().unwrap().push(json!(link.id));
                }
                value["refs"] = Value::Object(refs);
                let again = reading(Form::Json, value.to_string().as_bytes()).unwrap();
                prop_assert_eq!(again.events, [strip(event)]);
            }
        }
    }
}
