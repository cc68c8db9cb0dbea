//! One record out of a payload that holds many, as a payload of its own: what was accepted beside it stays untouched.

use bytes::Bytes;
use milepost_ingest::{Form, Letter, logs_json_to_protobuf, traces_json_to_protobuf};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message;
use serde_json::value::RawValue;

use crate::store::replays::WHOLE;

/// A payload taken apart once, however many of its records are asked for.
pub enum Records {
    /// Cannot be taken apart: it goes as a whole.
    Whole(Form, Bytes),
    Text(Form, Vec<Bytes>),
    Logs(ExportLogsServiceRequest),
    Spans(ExportTraceServiceRequest),
    /// What another system gave up on: the message goes, not the letter around it.
    Letters(Vec<Letter>),
}

impl Records {
    pub fn of(form: Form, body: &Bytes) -> Self {
        let whole = || Self::Whole(form, body.clone());
        match form {
            Form::Json | Form::CloudEventBatch => {
                let one = if form == Form::Json { Form::Json } else { Form::CloudEvent };
                elements(body).map_or_else(whole, |records| Self::Text(one, records))
            }
            Form::DeadLetters => Self::Letters(milepost_ingest::dead_letters(body)),
            Form::Ndjson => Self::Text(Form::Json, lines(body)),
            Form::LogsProtobuf | Form::LogsJson => {
                let protobuf =
                    if form == Form::LogsJson { logs_json_to_protobuf(body).ok() } else { Some(body.to_vec()) };
                let read = protobuf.and_then(|bytes| ExportLogsServiceRequest::decode(&*bytes).ok());
                read.map_or_else(whole, Self::Logs)
            }
            Form::TracesProtobuf | Form::TracesJson => {
                let protobuf =
                    if form == Form::TracesJson { traces_json_to_protobuf(body).ok() } else { Some(body.to_vec()) };
                let read = protobuf.and_then(|bytes| ExportTraceServiceRequest::decode(&*bytes).ok());
                read.map_or_else(whole, Self::Spans)
            }
            _ => whole(),
        }
    }

    /// The record at a place. None when there is no such record.
    pub fn get(&self, record: u32) -> Option<(Form, Bytes)> {
        match self {
            Self::Whole(form, body) => Some((*form, body.clone())),
            Self::Text(form, records) => Some((*form, records.get(record as usize)?.clone())),
            Self::Logs(request) => Some((Form::LogsProtobuf, log(request, record)?)),
            Self::Spans(request) => Some((Form::TracesProtobuf, span(request, record)?)),
            Self::Letters(_) => {
                let letter = self.letter(record)?;
                Some((form_of(letter), Bytes::from(letter.payload.clone())))
            }
        }
    }

    /// The dead letter at a place, where this is one.
    pub fn letter(&self, record: u32) -> Option<&Letter> {
        match self {
            Self::Letters(letters) => letters.iter().find(|letter| letter.about.index == record),
            _ => None,
        }
    }
}

/// What is sent for one item: a record of its payload, or all of it.
pub fn record(form: Form, body: &Bytes, record: u32) -> Option<(Form, Bytes)> {
    if record == WHOLE { Some((form, body.clone())) } else { Records::of(form, body).get(record) }
}

fn form_of(letter: &Letter) -> Form {
    let named = |(name, value): &(String, String)| {
        name.eq_ignore_ascii_case("content-type") && value.starts_with("application/cloudevents+json")
    };
    if letter.headers.iter().any(named) { Form::CloudEvent } else { Form::Json }
}

/// None when it is no array: then it is one record.
fn elements(body: &Bytes) -> Option<Vec<Bytes>> {
    let items: Vec<&RawValue> = serde_json::from_slice(body).ok()?;
    Some(items.iter().map(|item| body.slice_ref(item.get().as_bytes())).collect())
}

fn lines(body: &Bytes) -> Vec<Bytes> {
    body.split(|byte| *byte == b'\n')
        .filter(|line| !line.iter().all(u8::is_ascii_whitespace))
        .map(|line| body.slice_ref(line))
        .collect()
}

fn log(request: &ExportLogsServiceRequest, index: u32) -> Option<Bytes> {
    let mut left = index as usize;
    for group in &request.resource_logs {
        for scope in &group.scope_logs {
            if let Some(record) = scope.log_records.get(left) {
                let scope_logs = vec![ScopeLogs { log_records: vec![record.clone()], ..without_logs(scope) }];
                let (resource, schema_url) = (group.resource.clone(), group.schema_url.clone());
                let one = ResourceLogs { resource, scope_logs, schema_url };
                return Some(ExportLogsServiceRequest { resource_logs: vec![one] }.encode_to_vec().into());
            }
            left -= scope.log_records.len();
        }
    }
    None
}

fn without_logs(scope: &ScopeLogs) -> ScopeLogs {
    ScopeLogs { scope: scope.scope.clone(), log_records: Vec::new(), schema_url: scope.schema_url.clone() }
}

fn span(request: &ExportTraceServiceRequest, index: u32) -> Option<Bytes> {
    let mut left = index as usize;
    for group in &request.resource_spans {
        for scope in &group.scope_spans {
            if let Some(span) = scope.spans.get(left) {
                let scope_spans = vec![ScopeSpans {
                    scope: scope.scope.clone(),
                    spans: vec![span.clone()],
                    schema_url: scope.schema_url.clone(),
                }];
                let (resource, schema_url) = (group.resource.clone(), group.schema_url.clone());
                let one = ResourceSpans { resource, scope_spans, schema_url };
                return Some(ExportTraceServiceRequest { resource_spans: vec![one] }.encode_to_vec().into());
            }
            left -= scope.spans.len();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(form: Form, body: &'static str, index: u32) -> Option<(Form, String)> {
        let (form, bytes) = record(form, &Bytes::from_static(body.as_bytes()), index)?;
        Some((form, String::from_utf8(bytes.to_vec()).expect("text")))
    }

    #[test]
    fn a_record_goes_alone_to_the_letter() {
        let array = r#"[ {"id": "1", "n": 1.50},  {"id": "2"} ]"#;
        assert_eq!(text(Form::Json, array, 0), Some((Form::Json, r#"{"id": "1", "n": 1.50}"#.to_owned())));
        assert_eq!(text(Form::CloudEventBatch, array, 1), Some((Form::CloudEvent, r#"{"id": "2"}"#.to_owned())));
        assert_eq!(text(Form::Json, array, 2), None);
        assert_eq!(text(Form::Ndjson, "{\"a\":1}\n\n{\"b\":2}\n", 1), Some((Form::Json, "{\"b\":2}".to_owned())));
        assert_eq!(text(Form::Json, array, WHOLE).map(|(_, t)| t).as_deref(), Some(array));
    }

    #[test]
    fn of_a_dead_letter_the_message_goes() {
        let body = r#"[{"id": "a", "payload": {"id": "7"}}, {"payload_base64": "!"}, {"id": "c", "payload": "lost"}]"#;
        assert_eq!(text(Form::DeadLetters, body, 0), Some((Form::Json, r#"{"id": "7"}"#.to_owned())));
        assert_eq!(text(Form::DeadLetters, body, 1), None, "it cannot be read");
        assert_eq!(text(Form::DeadLetters, body, 2), Some((Form::Json, "lost".to_owned())));
    }

    #[test]
    fn what_cannot_be_taken_apart_goes_as_a_whole() {
        assert_eq!(text(Form::Json, "{\"id\": \"1\"}", 0), Some((Form::Json, "{\"id\": \"1\"}".to_owned())));
        assert_eq!(text(Form::Json, "not json", 0), Some((Form::Json, "not json".to_owned())));
        assert_eq!(text(Form::Packed, "\u{1}", 0), Some((Form::Packed, "\u{1}".to_owned())));
    }

    #[test]
    fn a_log_record_keeps_its_resource_and_scope() {
        let json = r#"{"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "wms"}}]},
            "scopeLogs": [{"logRecords": [{"severityText": "a"}, {"severityText": "b"}]}, {"logRecords": [{"severityText": "c"}]}]}]}"#;
        for (index, wanted) in [(0, "a"), (1, "b"), (2, "c")] {
            let (form, bytes) = record(Form::LogsJson, &Bytes::from_static(json.as_bytes()), index).expect("there");
            let request = ExportLogsServiceRequest::decode(bytes).expect("protobuf");
            let group = &request.resource_logs[0];
            assert_eq!((form, request.resource_logs.len()), (Form::LogsProtobuf, 1));
            assert_eq!(group.resource.as_ref().map_or(0, |r| r.attributes.len()), 1);
            assert_eq!(group.scope_logs[0].log_records[0].severity_text, wanted);
        }
        assert!(record(Form::LogsJson, &Bytes::from_static(json.as_bytes()), 3).is_none());
    }
}
