//! The forms that a body can have, and one reader for all of them.

use std::borrow::Cow;

use crate::act::read_acts;
use crate::{
    Code, Context, Reading, Refusal, logs_json_to_protobuf, metrics_json_to_protobuf, read_cloudevent,
    read_cloudevent_batch, read_cloudevent_binary, read_dead_letters, read_json, read_logs, read_metrics, read_ndjson,
    read_traces, traces_json_to_protobuf,
};

/// How a body is to be read. The door tells it from path and content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// One JSON event or an array of them.
    Json,
    /// One JSON event a line.
    Ndjson,
    /// CloudEvents 1.0: `application/cloudevents+json`, `…-batch+json`, and `ce-*` headers with the data as body.
    CloudEvent,
    CloudEventBatch,
    CloudEventBinary,
    TracesProtobuf,
    TracesJson,
    LogsProtobuf,
    LogsJson,
    MetricsProtobuf,
    MetricsJson,
    /// Payloads that another system gave up on: JSON around each, with what it knows of it.
    DeadLetters,
    /// Bytes that the door could not unpack, as sent. Not to be read: kept, and refused with `cannot_unpack`.
    Packed,
    /// Acts of people and rules; no door takes it, only our own pages and API make it.
    Acts,
}

impl Form {
    pub const ALL: [Self; 14] = [
        Self::Json,
        Self::Ndjson,
        Self::CloudEvent,
        Self::CloudEventBatch,
        Self::CloudEventBinary,
        Self::TracesProtobuf,
        Self::TracesJson,
        Self::LogsProtobuf,
        Self::LogsJson,
        Self::MetricsProtobuf,
        Self::MetricsJson,
        Self::DeadLetters,
        Self::Packed,
        Self::Acts,
    ];

    /// The name under which payloads are stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::CloudEvent => "cloudevent",
            Self::CloudEventBatch => "cloudevent_batch",
            Self::CloudEventBinary => "cloudevent_binary",
            Self::TracesProtobuf => "traces_protobuf",
            Self::TracesJson => "traces_json",
            Self::LogsProtobuf => "logs_protobuf",
            Self::LogsJson => "logs_json",
            Self::MetricsProtobuf => "metrics_protobuf",
            Self::MetricsJson => "metrics_json",
            Self::DeadLetters => "dead_letters",
            Self::Packed => "packed",
            Self::Acts => "acts",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str() == name)
    }
}

/// Reads a body of any form. `headers` count only for binary CloudEvents.
/// `Err`: nothing of the body could be read; else both lists, the good and the refused.
pub fn read(form: Form, headers: &[(String, String)], body: &[u8], ctx: &Context<'_>) -> Result<Reading, Refusal> {
    match form {
        Form::Json => read_json(body, ctx),
        Form::Ndjson => read_ndjson(body, ctx),
        Form::CloudEvent => read_cloudevent(body, ctx),
        Form::CloudEventBatch => read_cloudevent_batch(body, ctx),
        Form::CloudEventBinary => read_cloudevent_binary(headers, body, ctx),
        Form::TracesProtobuf | Form::TracesJson => read_traces(&protobuf(form, body)?, ctx),
        Form::LogsProtobuf | Form::LogsJson => read_logs(&protobuf(form, body)?, ctx),
        Form::MetricsProtobuf | Form::MetricsJson => read_metrics(&protobuf(form, body)?, ctx),
        Form::DeadLetters => read_dead_letters(body, ctx),
        Form::Packed => Err(cannot_unpack(headers, body)),
        Form::Acts => read_acts(body),
    }
}

/// The refusal of bytes that could not be unpacked. A pure function of the payload, so that it reads the same after a replay.
fn cannot_unpack(headers: &[(String, String)], body: &[u8]) -> Refusal {
    let packing = headers.iter().find(|(name, _)| name == "content-encoding" || name == "grpc-encoding");
    let packing = packing.map_or("compressed", |(_, value)| value.as_str());
    let head: String = body.iter().take(16).map(|byte| format!("{byte:02x} ")).collect();
    let found = format!("{} bytes beginning with {}", body.len(), head.trim_end());
    Refusal::new(Code::CannotUnpack, "", format!("a whole {packing} stream"), &found)
}

/// The body of an OTLP form as protobuf.
pub(crate) fn protobuf(form: Form, body: &[u8]) -> Result<Cow<'_, [u8]>, Refusal> {
    Ok(match form {
        Form::TracesJson => Cow::Owned(traces_json_to_protobuf(body)?),
        Form::LogsJson => Cow::Owned(logs_json_to_protobuf(body)?),
        Form::MetricsJson => Cow::Owned(metrics_json_to_protobuf(body)?),
        _ => Cow::Borrowed(body),
    })
}
