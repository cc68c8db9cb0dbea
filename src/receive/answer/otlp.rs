//! Answers of OTLP/HTTP, in the encoding that the sender speaks.

use bytes::Bytes;
use prost::Message;
use serde_json::json;

use super::super::cut;
use super::super::media::Tongue;
use super::super::stop::Stop;
use super::http::Answer;
use super::rpc::{ExportResponse, PartialSuccess, Status};
use super::{OK, otlp_status, sentence, unreadable, verdict};
use crate::pipeline::{Form, Taken};

/// How many refused records the message names. All of them are on the failures page.
const NAMED: usize = 3;
const MESSAGE_BYTES: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::receive) enum Signal {
    Traces,
    Logs,
    Metrics,
}

impl Signal {
    pub(in crate::receive) fn form(self, tongue: Tongue) -> Form {
        match (self, tongue) {
            (Self::Traces, Tongue::Protobuf) => Form::TracesProtobuf,
            (Self::Traces, Tongue::Json) => Form::TracesJson,
            (Self::Logs, Tongue::Protobuf) => Form::LogsProtobuf,
            (Self::Logs, Tongue::Json) => Form::LogsJson,
            (Self::Metrics, Tongue::Protobuf) => Form::MetricsProtobuf,
            (Self::Metrics, Tongue::Json) => Form::MetricsJson,
        }
    }

    fn rejected_name(self) -> &'static str {
        match self {
            Self::Traces => "rejectedSpans",
            Self::Logs => "rejectedLogRecords",
            Self::Metrics => "rejectedDataPoints",
        }
    }
}

pub(in crate::receive) fn of_taken(taken: &Taken, signal: Signal, tongue: Tongue) -> Answer {
    if let Some(refusal) = &taken.unreadable {
        let (http, grpc) = unreadable(refusal);
        return status(http, grpc, unreadable_message(taken), tongue);
    }
    let body = match (tongue, partial_success(taken)) {
        (Tongue::Protobuf, partial_success) => ExportResponse { partial_success }.encode_to_vec(),
        (Tongue::Json, None) => b"{}".to_vec(),
        (Tongue::Json, Some(partial)) => {
            // 64-bit numbers are strings in protobuf's JSON.
            let rejected = partial.rejected.to_string();
            let part = json!({ signal.rejected_name(): rejected, "errorMessage": partial.error_message });
            json!({ "partialSuccess": part }).to_string().into_bytes()
        }
    };
    Answer::new(OK, content_type(tongue), Bytes::from(body))
}

pub(in crate::receive) fn of_stop(stop: &Stop, retry_after_s: Option<u64>, tongue: Tongue) -> Answer {
    let answer = status(otlp_status(stop), verdict(stop).grpc, stop.to_string(), tongue);
    let answer = answer.for_stop(stop, retry_after_s);
    match stop {
        Stop::MediaType { accepted, .. } => answer.with("accept", *accepted),
        _ => answer,
    }
}

/// Left out when all went well, as the specification asks.
pub(super) fn partial_success(taken: &Taken) -> Option<PartialSuccess> {
    if taken.refusals.is_empty() {
        return None;
    }
    let count = taken.refusals.len();
    let mut message = format!("{count} refused and kept under payload {}", taken.payload_id);
    for refusal in taken.refusals.iter().take(NAMED) {
        message.push_str(&format!("; record {}: {}", refusal.index, sentence(refusal)));
    }
    if count > NAMED {
        message.push_str(&format!("; and {} more", count - NAMED));
    }
    let rejected = i64::try_from(count).unwrap_or(i64::MAX);
    Some(PartialSuccess { rejected, error_message: cut(&message, MESSAGE_BYTES).to_owned() })
}

pub(super) fn unreadable_message(taken: &Taken) -> String {
    let reason = taken.unreadable.as_ref().map(sentence).unwrap_or_default();
    let message = format!("kept as payload {}: {reason}", taken.payload_id);
    cut(&message, MESSAGE_BYTES).to_owned()
}

fn status(http: u16, grpc: tonic::Code, message: String, tongue: Tongue) -> Answer {
    let code = grpc as i32;
    let body = match tongue {
        Tongue::Protobuf => Status { code, message, details: Vec::new() }.encode_to_vec(),
        Tongue::Json => json!({ "code": code, "message": message }).to_string().into_bytes(),
    };
    Answer::new(http, content_type(tongue), Bytes::from(body))
}

fn content_type(tongue: Tongue) -> &'static str {
    match tongue {
        Tongue::Protobuf => "application/x-protobuf",
        Tongue::Json => "application/json",
    }
}
