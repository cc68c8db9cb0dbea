//! From a body in a known form to its reading: which reader of `ingest` is asked.

use milepost_ingest::{self as ingest, Context, Reading, Refusal};

use super::{Form, cannot_unpack};

/// Reads one body. `Err` when nothing of it could be read.
pub fn read(form: Form, headers: &[(String, String)], body: &[u8], context: &Context) -> Result<Reading, Refusal> {
    match form {
        Form::Json => ingest::read_json(body, context),
        Form::Ndjson => ingest::read_ndjson(body, context),
        Form::CloudEvent => ingest::read_cloudevent(body, context),
        Form::CloudEventBatch => ingest::read_cloudevent_batch(body, context),
        Form::CloudEventBinary => ingest::read_cloudevent_binary(headers, body, context),
        Form::TracesProtobuf => ingest::read_traces(body, context),
        Form::LogsProtobuf => ingest::read_logs(body, context),
        Form::MetricsProtobuf => ingest::read_metrics(body, context),
        Form::TracesJson => ingest::read_traces(&ingest::traces_json_to_protobuf(body)?, context),
        Form::LogsJson => ingest::read_logs(&ingest::logs_json_to_protobuf(body)?, context),
        Form::Packed => Err(cannot_unpack(headers, body)),
        Form::MetricsJson => ingest::read_metrics(&ingest::metrics_json_to_protobuf(body)?, context),
    }
}
