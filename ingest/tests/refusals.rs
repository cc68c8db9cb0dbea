//! Every refusal code has a case here: what was sent, and the code, place, expectation and finding in the answer.
//! The last test sees to it that no code is without one.

#![expect(clippy::unwrap_used, clippy::result_large_err, reason = "tests")]

mod support;

use milepost_ingest::{Code, Form, Limits, Mapping, Refusal};
use serde_json::{Value, json};
use support::*;

/// `(code, pointer, expected, found)` of a refusal.
type Answer = (&'static str, &'static str, &'static str, &'static str);

#[track_caller]
fn same(refusal: &Refusal, (code, pointer, expected, found): Answer) {
    let given = (&*refusal.code, &*refusal.pointer, &*refusal.expected, &*refusal.found);
    assert_eq!(given, (code, pointer, expected, found), "{}", refusal.detail);
    let known = Code::ALL.iter().find(|c| c.as_str() == code).unwrap();
    assert_eq!(refusal.stage, known.stage());
}

/// The record is refused, and nothing else happens.
#[track_caller]
fn check(form: Form, body: impl AsRef<[u8]>, answer: Answer) {
    let reading = reading(form, body.as_ref()).unwrap();
    assert_eq!((reading.items, reading.events.len(), reading.refusals.len()), (1, 0, 1), "{reading:?}");
    same(&reading.refusals[0], answer);
}

/// The whole body is refused.
#[track_caller]
fn unreadable(form: Form, body: impl AsRef<[u8]>, answer: Answer) {
    same(&reading(form, body.as_ref()).unwrap_err(), answer);
}

/// The sound event with one thing changed.
#[track_caller]
fn changed(pointer: &str, value: Value, answer: Answer) {
    check(Form::Json, with(shipped(), pointer, value).to_string(), answer);
}

#[track_caller]
fn log_changed(name: &str, value: Value, answer: Answer) {
    let attributes = with(biz(), &format!("/{name}"), value);
    check(Form::LogsJson, log(json!({}), &attributes).to_string(), answer);
}

#[test]
fn nobody_speaks_under_our_name() {
    let name = "the name of a system of yours";
    changed("/system", json!("milepost"), ("reserved_name", "/system", name, "milepost"));
    changed("/source", json!("milepost/pages"), ("reserved_name", "/source", name, "milepost/pages"));
    changed("/source", json!("person/anna"), ("reserved_name", "/source", name, "person/anna"));
}

const TIME: &str = "a time with offset, such as 2026-11-22T10:00:00+01:00";

#[test]
fn bytes_that_are_no_json_are_refused_whole() {
    unreadable(Form::Json, "", ("empty_body", "", "JSON", ""));
    unreadable(Form::Ndjson, "\n\n", ("empty_body", "", "one JSON event a line", ""));
    unreadable(Form::Json, b"{\"id\": \"\xff\"}", ("invalid_utf8", "", "UTF-8", "ff227d"));
    unreadable(Form::Json, "{\"id\": 1,}", ("invalid_json", "", "JSON", "{\"id\": 1,}"));
    unreadable(Form::Json, "[{\"id\": NaN}]", ("invalid_json", "", "JSON", "[{\"id\": NaN}]"));
    unreadable(Form::Json, "{\"id\": 01}", ("invalid_json", "", "JSON", "{\"id\": 01}"));
    unreadable(Form::Json, r#"{"id": "\ud800"}"#, ("invalid_json", "", "JSON", r#": "\ud800"}"#));
    unreadable(Form::Json, "42", ("wrong_type", "", "an object or an array of objects", "42"));
    unreadable(Form::Json, "{} {}", ("invalid_json", "", "JSON", "{} {}"));
}

#[test]
fn what_other_readers_pass_over_is_a_flaw() {
    unreadable(
        Form::Json,
        r#"{"data": {"lines": [{}, {"quantity": 1, "quantity": 2}]}}"#,
        ("duplicate_key", "/data/lines/1/quantity", "each key once", "quantity twice"),
    );
    unreadable(
        Form::Json,
        r#"{"data": {"note": "a\u0000b"}}"#,
        ("nul_in_text", "/data/note", "text without U+0000", "a\\u0000b"),
    );
    let deep = format!("{{\"data\": {}1{}}}", "[".repeat(64), "]".repeat(64));
    let pointer = format!("/data{}", "/0".repeat(63));
    let refusal = reading(Form::Json, deep.as_bytes()).unwrap_err();
    assert_eq!((&*refusal.code, &*refusal.pointer), ("too_deep", &*pointer));
    let deeper = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(reading(Form::Json, deeper.as_bytes()).unwrap_err().code, "too_deep");

    let long = with(shipped(), "/data/note", json!("x".repeat(65_537))).to_string();
    unreadable(Form::Json, long, ("value_too_long", "/data/note", "at most 65536 bytes", "65537 bytes"));
    let name = "n".repeat(257);
    let long = with(shipped(), &format!("/data/{name}"), json!(1)).to_string();
    unreadable(Form::Json, long, ("name_too_long", "/data", "at most 256 bytes", "257 bytes"));
}

#[test]
fn a_flaw_spoils_only_its_own_record() {
    let sound = shipped();
    let body = format!("[{sound}, {{\"id\": \"a\", \"id\": \"b\"}}, 7, {sound}]");
    let reading = reading(Form::Json, body.as_bytes()).unwrap();
    assert_eq!(reading.events.iter().map(|e| e.index).collect::<Vec<_>>(), [0, 3]);
    let refused: Vec<(u32, &str)> = reading.refusals.iter().map(|r| (r.index, &*r.code)).collect();
    assert_eq!(refused, [(1, "duplicate_key"), (2, "wrong_type")]);
}

#[test]
fn a_line_that_is_no_json_spoils_only_itself() {
    let body = format!("\u{feff}{}\r\n\nnot json\n{}\n", shipped(), shipped());
    let reading = reading(Form::Ndjson, body.as_bytes()).unwrap();
    assert_eq!(reading.events.iter().map(|e| e.index).collect::<Vec<_>>(), [0, 2]);
    assert_eq!((reading.refusals[0].index, &*reading.refusals[0].code), (1, "invalid_json"));
}

#[test]
fn more_records_than_the_limit_are_refused_whole() {
    let limits = Limits { items: 2, ..Limits::default() };
    let answer = ("too_many_items", "", "at most 2 records", "more");
    let three = vec![shipped(); 3];
    let lines = three.iter().map(|e| format!("{e}\n")).collect::<String>();
    for (form, body) in [(Form::Json, json!(three).to_string()), (Form::Ndjson, lines)] {
        let refusal = reading_with(form, &[], body.as_bytes(), &Mapping::none(), &limits).unwrap_err();
        same(&refusal, answer);
    }
}

#[test]
fn the_envelope_is_checked() {
    changed("/id", Value::Null, ("missing_field", "/id", "a text that names it", "nothing"));
    changed("/id", json!(7781), ("wrong_type", "/id", "a text", "7781"));
    changed("/id", json!("  "), ("empty_value", "/id", "a text that names it", "\"  \""));
    let odd = "no control characters, no white space at the ends";
    changed("/id", json!("a\nb"), ("invalid_id", "/id", odd, "\"a\\nb\""));
    changed("/object/id", json!(" SH-1"), ("invalid_id", "/object/id", odd, "\" SH-1\""));
    let long = "x".repeat(257);
    let cut = format!("\"{}…", "x".repeat(198));
    let reading = reading(Form::Json, with(shipped(), "/id", json!(long)).to_string().as_bytes()).unwrap();
    assert_eq!((&*reading.refusals[0].code, &reading.refusals[0].found), ("id_too_long", &cut));

    changed("/type", Value::Null, ("missing_field", "/type", "an event type", "nothing"));
    changed("/type", json!("shipment.shiped"), ("unknown_event_type", "/type", "shipment.shipped", "shipment.shiped"));
    changed("/type", json!("x"), ("unknown_event_type", "/type", "an event type that has a contract", "x"));
    changed("/schema_version", json!(2), ("unknown_schema_version", "/schema_version", "1", "2"));
    changed("/schema_version", json!("one"), ("wrong_format", "/schema_version", "a whole number", "one"));
    changed("/system", json!("the wms"), ("wrong_format", "/system", "one word, such as wms", "the wms"));

    changed("/object", Value::Null, ("missing_field", "/object", "the business object, type and id", "nothing"));
    changed("/object/id", Value::Null, ("missing_field", "/object/id", "a text that names it", "nothing"));
    changed("/object/type", json!("shipmnt"), ("unknown_object_type", "/object/type", "shipment", "shipmnt"));
    changed("/object/type", json!("invoice"), ("wrong_object_type", "/object/type", "shipment", "invoice"));
    changed("/refs", json!({"ordr": "1"}), ("unknown_object_type", "/refs/ordr", "order", "ordr"));
    changed("/refs", json!({"order": [7]}), ("wrong_type", "/refs/order/0", "a text", "7"));
    changed("/refs", json!({"order": ""}), ("empty_value", "/refs/order", "a text that names it", "\"\""));
    let many: Vec<String> = (0..1001).map(|i| format!("SO-{i}")).collect();
    changed("/refs", json!({"order": many}), ("too_many_refs", "/refs", "at most 1000", "1002"));
    changed("/data", json!([]), ("wrong_type", "/data", "an object", "[]"));
}

#[test]
fn a_time_that_names_no_moment_is_refused() {
    changed("/time", Value::Null, ("missing_field", "/time", TIME, "nothing"));
    changed("/time", json!("2026-11-22T10:00:00"), ("time_without_zone", "/time", TIME, "\"2026-11-22T10:00:00\""));
    changed("/time", json!("2026-02-30T10:00:00Z"), ("invalid_time", "/time", TIME, "\"2026-02-30T10:00:00Z\""));
    changed("/time", json!("9999-01-01T00:00:00Z"), ("time_out_of_range", "/time", TIME, "\"9999-01-01T00:00:00Z\""));
    changed("/time", json!("1970-01-01T00:00:00Z"), ("time_out_of_range", "/time", TIME, "\"1970-01-01T00:00:00Z\""));
    changed("/time", json!(1_795_341_600), ("wrong_type", "/time", "a text", "1795341600"));
    let eta = json!({"eta": "2026-11-22 10:00:00"});
    let event = with(with(shipped(), "/type", json!("shipment.in_transit")), "/data", eta);
    check(Form::Json, event.to_string(), ("time_without_zone", "/data/eta", TIME, "\"2026-11-22 10:00:00\""));
}

#[test]
fn the_contract_names_the_place_in_the_data() {
    let quantity = "/data/lines/0/quantity";
    changed(quantity, json!("five"), ("wrong_format", quantity, "an exact decimal with at most 12 places", "\"five\""));
    changed(quantity, json!([5]), ("wrong_type", quantity, "number or string", "[5]"));
    changed(quantity, Value::Null, ("missing_field", quantity, "quantity", "nothing"));
    changed(
        quantity,
        json!("0.1000000000000000000000000000000000000001"),
        (
            "inexact_number",
            quantity,
            "an exact decimal with at most 12 places",
            "\"0.1000000000000000000000000000000000000001\"",
        ),
    );

    let order = json!({"id": "1", "type": "order.created", "time": "2026-11-22T10:00:00Z",
        "object": "order/SO-1", "data": {"customer": "ACME"}});
    check(Form::Json, order.to_string(), ("missing_field", "/data/lines", "lines or amount", "nothing"));
    let empty = with(order.clone(), "/data/lines", json!([]));
    check(Form::Json, empty.to_string(), ("out_of_range", "/data/lines", "at least 1 items", "[]"));
    let money = with(order.clone(), "/data/amount", json!({"value": "1", "currency": "euro"}));
    let answer = ("wrong_format", "/data/amount/currency", "a text like ^[A-Z]{3}$", "\"euro\"");
    check(Form::Json, money.to_string(), answer);
    let bare = with(order.clone(), "/data/amount", json!("12.50"));
    check(Form::Json, bare.to_string(), ("wrong_type", "/data/amount", "object", "\"12.50\""));
    let checked = json!({"id": "1", "type": "order.credit_checked", "time": "2026-11-22T10:00:00Z",
        "object": "order/SO-1", "data": {"verdict": "maybe"}});
    check(Form::Json, checked.to_string(), ("not_in_list", "/data/verdict", "approved or held", "\"maybe\""));
}

#[test]
fn a_refusal_counts_the_other_faults_and_keeps_the_names() {
    let event = with(with(shipped(), "/data/lines/0/quantity", json!("x")), "/data/lines/0/sku", json!(1));
    let reading = reading(Form::Json, event.to_string().as_bytes()).unwrap();
    let refusal = &reading.refusals[0];
    assert!(refusal.detail.ends_with("There are 1 more faults in this event."), "{}", refusal.detail);
    let hint = &refusal.hint;
    assert_eq!((&*hint.event_id, &*hint.event_type, &*hint.source), ("wms-7781", "shipment.shipped", "wms/east-2"));
    assert_eq!((&*hint.object_type, &*hint.object_id, hint.schema_version), ("shipment", "SH-88", 1));
}

#[test]
fn cloudevents_are_checked_under_their_own_names() {
    let change = |pointer: &str, value: Value, answer: Answer| {
        check(Form::CloudEvent, with(cloudevent(), pointer, value).to_string(), answer);
    };
    change("/specversion", json!("0.3"), ("unsupported_specversion", "/specversion", "1.0", "0.3"));
    change("/specversion", Value::Null, ("missing_field", "/specversion", "1.0", "nothing"));
    change("/subject", json!("SH-88"), ("wrong_format", "/subject", "type/id", "SH-88"));
    change("/subject", json!("shipmnt/1"), ("unknown_object_type", "/subject", "shipment", "shipmnt"));
    change("/subject", Value::Null, ("missing_field", "/subject", "the business object, type and id", "nothing"));
    change("/time", Value::Null, ("missing_field", "/time", TIME, "nothing"));
    change("/dataschemaversion", json!("9"), ("unknown_schema_version", "/dataschemaversion", "1", "9"));
    change("/data/refs", json!({"lod": "1"}), ("unknown_object_type", "/data/refs/lod", "load", "lod"));
    let encoded = with(with(cloudevent(), "/data", Value::Null), "/data_base64", json!("%%"));
    check(Form::CloudEvent, encoded.to_string(), ("invalid_base64", "/data_base64", "base64", "%%"));
    unreadable(Form::CloudEvent, "[]", ("wrong_type", "", "one CloudEvent, an object", "[]"));
}

#[test]
fn log_records_are_checked_under_their_attribute_names() {
    let at = "/resourceLogs/0/scopeLogs/0/logRecords/0/attributes/biz.time";
    log_changed("biz.time", json!("yesterday"), ("invalid_time", at, TIME, "\"yesterday\""));
    let at = "/resourceLogs/0/scopeLogs/0/logRecords/0/attributes/biz.event.id";
    log_changed("biz.event.id", Value::Null, ("missing_field", at, "a text that names it", "nothing"));
    let at = "/resourceLogs/0/scopeLogs/0/logRecords/0/attributes/biz.object.type";
    log_changed("biz.object.type", Value::Null, ("missing_field", at, "the business object, type and id", "nothing"));
    let at = "/resourceLogs/0/scopeLogs/0/logRecords/0/attributes/biz.data.lines/0/quantity";
    let lines = json!(r#"[{"quantity": "x"}]"#);
    log_changed("biz.data.lines", lines, ("wrong_format", at, "an exact decimal with at most 12 places", "\"x\""));
    let at = "/resourceLogs/0/scopeLogs/0/logRecords/0/attributes/biz.data.lines.0.quantity";
    let answer = ("conflicting_attributes", at, "one value for each place", "biz.data.lines.0.quantity");
    log_changed("biz.data.lines.0.quantity", json!("5"), answer);
    let at = "/resourceLogs/0/scopeLogs/0/logRecords/0/attributes/biz.ref.ordr";
    log_changed("biz.ref.ordr", json!("1"), ("unknown_object_type", at, "order", "ordr"));
    let at = "/resourceLogs/0/scopeLogs/0/logRecords/0/attributes/biz.event.type";
    log_changed("biz.event.type", json!("order.create"), ("unknown_event_type", at, "order.created", "order.create"));

    let body = log(json!({"body": {"stringValue": "{\"lines\": "}}), &with(biz(), "/biz.data.lines", Value::Null));
    let at = "/resourceLogs/0/scopeLogs/0/logRecords/0/body";
    check(Form::LogsJson, body.to_string(), ("invalid_json", at, "JSON", "{\"lines\": "));
    let body = log(json!({"body": otlp_value(&json!({"lines": [{}]}))}), &with(biz(), "/biz.data.lines", Value::Null));
    let at = "/resourceLogs/0/scopeLogs/0/logRecords/0/body/lines/0/quantity";
    check(Form::LogsJson, body.to_string(), ("missing_field", at, "quantity", "nothing"));

    let timeless = log(json!({"timeUnixNano": "0"}), &with(biz(), "/biz.time", Value::Null));
    let at = "/resourceLogs/0/scopeLogs/0/logRecords/0/attributes/biz.time";
    check(Form::LogsJson, timeless.to_string(), ("missing_field", at, TIME, "nothing"));
}

#[test]
fn records_beyond_a_limit_are_refused_alone() {
    let many: serde_json::Map<String, Value> = (0..129).map(|i| (format!("a{i}"), json!(i))).collect();
    let at = "/resourceSpans/0/scopeSpans/0/spans/0/attributes";
    let answer = ("too_many_attributes", at, "at most 128 attributes", "129");
    check(Form::TracesJson, span(json!({}), &Value::Object(many)).to_string(), answer);
    let at = "/resourceSpans/0/scopeSpans/0/spans/0/attributes/note";
    let long = json!({"note": "x".repeat(65_537)});
    let answer = ("value_too_long", at, "at most 65536 bytes", "65537 bytes");
    check(Form::TracesJson, span(json!({}), &long).to_string(), answer);
    let answer = ("nul_in_text", at, "text without U+0000", "\\u0000");
    check(Form::TracesJson, span(json!({}), &json!({"note": "\u{0}"})).to_string(), answer);
    let name = json!({"n".repeat(257): 1});
    let at = "/resourceSpans/0/scopeSpans/0/spans/0/attributes";
    let answer = ("name_too_long", at, "at most 256 bytes", "257 bytes");
    check(Form::TracesJson, span(json!({}), &name).to_string(), answer);
}

#[test]
fn broken_protobuf_is_refused_whole_with_the_byte_at_fault() {
    let whole = milepost_ingest::traces_json_to_protobuf(span(json!({}), &json!({})).to_string().as_bytes()).unwrap();
    let expected = "an OTLP export request";
    let cut = &whole[..whole.len() - 1];
    let answer = ("invalid_protobuf", "", expected, "a length beyond the end of its message at byte 1");
    unreadable(Form::TracesProtobuf, cut, answer);
    let answer = ("invalid_protobuf", "", expected, "a group or unknown wire type at byte 0");
    unreadable(Form::TracesProtobuf, [0x0b], answer);
    let answer = ("invalid_protobuf", "", expected, "a field number out of range at byte 0");
    unreadable(Form::LogsProtobuf, [0x02, 0x00], answer);
    let answer = ("invalid_protobuf", "", expected, "a number of more than 64 bits at byte 1");
    unreadable(Form::MetricsProtobuf, [[0x0a].as_slice(), &[0xff; 10]].concat(), answer);
    let answer = ("invalid_protobuf", "", expected, "another wire type than this field has at byte 2");
    unreadable(Form::TracesProtobuf, [0x08, 0x01], answer);
}

#[test]
fn otlp_json_is_refused_whole_with_the_place_at_fault() {
    let broken = |fields: Value| span(fields, &json!({})).to_string();
    let at = "/resourceSpans/0/scopeSpans/0/spans/0/traceId";
    let answer = ("wrong_format", at, "a hexadecimal text", "\"xyz\"");
    unreadable(Form::TracesJson, broken(json!({"traceId": "xyz"})), answer);
    let at = "/resourceSpans/0/scopeSpans/0/spans/0/kind";
    let answer = ("wrong_type", at, "a whole number", "\"SPAN_KIND_SERVER\"");
    unreadable(Form::TracesJson, broken(json!({"kind": "SPAN_KIND_SERVER"})), answer);
    unreadable(Form::LogsJson, "[]", ("wrong_type", "", "an OTLP export request, an object", "[]"));
}

#[test]
fn nesting_beyond_the_limit_is_refused_whole() {
    // Built by the generated messages: JSON text would be too deep already.
    use opentelemetry_proto::tonic as otlp;
    use otlp::common::v1::{AnyValue, ArrayValue, KeyValue, any_value};
    use prost::Message as _;
    let mut value = AnyValue { value: Some(any_value::Value::IntValue(1)) };
    for _ in 0..70 {
        value = AnyValue { value: Some(any_value::Value::ArrayValue(ArrayValue { values: vec![value] })) };
    }
    let attributes = vec![KeyValue { key: "deep".to_owned(), value: Some(value), ..KeyValue::default() }];
    let span = otlp::trace::v1::Span { attributes, ..Default::default() };
    let scope_spans = vec![otlp::trace::v1::ScopeSpans { spans: vec![span], ..Default::default() }];
    let resource_spans = vec![otlp::trace::v1::ResourceSpans { scope_spans, ..Default::default() }];
    let request = otlp::collector::trace::v1::ExportTraceServiceRequest { resource_spans };
    let at = "/resourceSpans/0/scopeSpans/0/spans/0/attributes/deep";
    unreadable(Form::TracesProtobuf, request.encode_to_vec(), ("too_deep", at, "at most 64 levels", "more"));
}

#[test]
fn a_value_that_the_mapping_does_not_list_is_refused() {
    let mapping = Mapping::parse(
        r#"
[[rule]]
copy = { "biz.event.type" = { from = "step", values = { "10" = "invoice.issued" } } }
"#,
    )
    .unwrap();
    let body = span(json!({}), &json!({"step": "11"})).to_string();
    let reading = reading_with(Form::TracesJson, &[], body.as_bytes(), &mapping, &Limits::default()).unwrap();
    let at = "/resourceSpans/0/scopeSpans/0/spans/0/attributes/step";
    same(&reading.refusals[0], ("unmapped_value", at, "10", "11"));
    assert_eq!((reading.items, reading.spans.len(), reading.doubled), (1, 1, 1));
}

#[test]
fn a_rule_that_only_a_users_own_contract_has_is_named_in_its_words() {
    use milepost_ingest::{Context, Contracts};
    let text = r#"{"properties": {"door": {"not": {"const": "7"}}}}"#.to_owned();
    let files = Contracts::shipped_files().chain([("load.departed/v1.json".to_owned(), text)]);
    let contracts = Contracts::load(files).unwrap();
    let (mapping, limits) = (Mapping::none(), Limits::default());
    let received_at = chrono::DateTime::UNIX_EPOCH;
    let ctx = Context { contracts: &contracts, mapping: &mapping, limits: &limits, received_at, source: "tms" };
    let event = json!({"id": "1", "type": "load.departed", "time": "2026-11-22T10:00:00Z", "object": "load/L-1",
        "data": {"door": "7"}});
    let reading = milepost_ingest::read_json(event.to_string().as_bytes(), &ctx).unwrap();
    let refusal = &reading.refusals[0];
    assert_eq!((&*refusal.code, &*refusal.pointer, &*refusal.found), ("contract_violation", "/data/door", "\"7\""));
}

#[test]
fn bytes_that_could_not_be_unpacked_are_refused_as_a_whole() {
    let headers = [("content-encoding".to_owned(), "gzip".to_owned())];
    let refusal =
        reading_with(Form::Packed, &headers, &[0x1f, 0x8b, 0], &Mapping::none(), &Limits::default()).unwrap_err();
    same(&refusal, ("cannot_unpack", "", "a whole gzip stream", "3 bytes beginning with 1f 8b 00"));
}

#[test]
fn every_code_has_a_case() {
    let text = include_str!("refusals.rs");
    // Whether an id came before is known behind the reader; the journeys show that refusal.
    let elsewhere = [Code::ConflictingDuplicate];
    let codes = Code::ALL.iter().filter(|c| !elsewhere.contains(c)).map(|c| c.as_str());
    let missing = codes.into_iter().find(|c| !text.contains(&format!("\"{c}\",")));
    assert_eq!(missing, None);
}
