//! One attempt for one item: its body (original, edited, or by rule), then the pipeline or a target. Says what became
//! of it; when to try again and what it means for the job is `run`'s.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use milepost_ingest::{Form, ObjectRef, Refusal};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::bodies::Bodies;
use super::breaker::Way;
use super::courier::{Attempt, No, Parcel, Told};
use super::edit;
use super::job::{Options, Through};
use super::jobs::Replays;
use super::records;
use super::target::Target;
use crate::pipeline::{Arrival, Intake, NotKept, Pressure, Ruling};
use crate::store::replays::{EditRow, ReplayItemRow, WHOLE};

/// What an attempt needs of its job.
pub struct Work {
    pub replays: Arc<Replays>,
    pub tenant: String,
    pub replay: String,
    pub through: Through,
    pub options: Options,
    pub edit: Option<EditRow>,
    pub bodies: Bodies,
}

/// What goes for one item.
pub struct Content {
    pub form: Form,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// The source that it came from.
    pub source: String,
    /// The version of contracts and mapping that the payload was read by.
    pub rules: String,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// Taken. For the pipeline: the events that are to be seen, and the payload that it became.
    Taken {
        status: u16,
        via: String,
        trace_id: String,
        result: String,
        awaits: Vec<(ObjectRef, String)>,
    },
    /// Not now. An attempt that was not made does not count.
    Later {
        no: No,
        asked: Option<Duration>,
        counts: bool,
    },
    Never(No),
    Gone(No),
}

/// How long to wait for a pipeline under pressure, or for the store.
const SOON: Duration = Duration::from_secs(1);

impl Work {
    pub async fn attempt(&self, item: &ReplayItemRow) -> Came {
        let content = match self.content(item).await {
            Ok(content) => content,
            Err(came) => return came,
        };
        match &self.through {
            Through::Pipeline => self.pipeline(content).await,
            Through::Target(key) => self.target(key, item, content.headers, content.body).await,
        }
    }

    pub(super) async fn content(&self, item: &ReplayItemRow) -> Result<Content, Came> {
        if !item.body.is_empty() {
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            let body = Bytes::from(item.body.clone());
            return Ok(Content { form: Form::Json, headers, body, source: String::new(), rules: String::new() });
        }
        let loaded = match self.bodies.get(item.payload).await {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Err(never("payload_gone", "The payload is kept no more")),
            Err(error) => return Err(wait("store_away", &error.to_string())),
        };
        let cut = if item.record == WHOLE {
            Some((loaded.form, loaded.body.clone()))
        } else {
            loaded.records.get(item.record)
        };
        let Some((mut form, mut body)) = cut else {
            return Err(never("no_record", "The payload has no such record"));
        };
        if let Some(edit) = &self.edit {
            if (edit.payload, edit.record) != (item.payload, item.record) {
                return Err(never("not_edited", "The edit of this job is of another payload"));
            }
            body = Bytes::from(edit.body.clone());
            form = edited_form(form);
        }
        if !self.options.steps.is_empty() {
            (form, body) = by_rule(&self.options.steps, form, &body)
                .ok_or_else(|| never("no_json", "The record cannot be read as JSON, so the rule cannot change it"))?;
        }
        let letter = loaded.records.letter(item.record);
        let mut headers = letter.map_or(&loaded.row.headers, |letter| &letter.headers).clone();
        if form != loaded.form {
            headers.retain(|(name, _)| name != "content-type");
            headers.push(("content-type".to_owned(), content_type(form).to_owned()));
        }
        let (source, rules) = (loaded.row.source.clone(), loaded.row.rules.clone());
        Ok(Content { form, headers, body, source, rules })
    }

    /// The contracts and mapping that a payload of that version is read by in this job.
    pub(super) fn ruling(&self, rules: &str) -> Result<Arc<Ruling>, NotKept> {
        self.replays.ruling(self.options.of, rules)
    }

    async fn pipeline(&self, content: Content) -> Came {
        let ruling = match self.ruling(&content.rules) {
            Ok(ruling) => ruling,
            Err(error) => return never("rules_not_kept", &error.to_string()),
        };
        let Content { form, mut headers, body, source, .. } = content;
        // Held against the contract first: what would be refused again leaves no second failure.
        let awaits: Vec<(ObjectRef, String)> = match self.replays.gate.trial(&ruling, form, &headers, &body, &source) {
            Err(refusal) => return refused(&refusal),
            Ok(reading) => match reading.refusals.first() {
                Some(refusal) => return refused(refusal),
                None => reading.events.into_iter().map(|event| (event.object, event.id)).collect(),
            },
        };
        headers.push(("milepost-replay".to_owned(), self.replay.clone()));
        let key_id = format!("replay/{}", self.replay);
        let arrival =
            Arrival { tenant: self.tenant.clone(), key_id, source, form, headers, body, ruling: Some(ruling) };
        match self.replays.gate.take(arrival).await {
            Err(pressure) => wait(pressure_code(pressure), &pressure.to_string()),
            Ok(taken) => match taken.unreadable.as_ref().or(taken.refusals.first()) {
                Some(refusal) => refused(refusal),
                None => Came::Taken {
                    status: 0,
                    via: "pipeline".to_owned(),
                    trace_id: String::new(),
                    result: taken.payload_id,
                    awaits,
                },
            },
        }
    }

    async fn target(&self, key: &str, item: &ReplayItemRow, headers: Vec<(String, String)>, body: Bytes) -> Came {
        let targets = &self.replays.targets;
        let Some(target) = targets.get(&self.tenant, key) else {
            return Came::Later {
                no: No { code: "no_target", status: 0, detail: format!("There is no target `{key}` now") },
                asked: Some(Duration::from_secs(10)),
                counts: false,
            };
        };
        let fallback = target.fallback.as_deref().and_then(|key| targets.get(&self.tenant, key));
        let parcel = Parcel {
            key: idempotency_key(&self.tenant, item, &self.options),
            old_trace: header(&headers, "traceparent"),
            headers,
            body,
        };
        let came = match self.replays.way(&target) {
            Way::Closed { until } => match fallback {
                Some(other) if self.replays.way(&other) == Way::Free => return self.carry(&other, &parcel).await,
                _ => {
                    let pause = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(100));
                    return Came::Later {
                        no: No {
                            code: "breaker_open",
                            status: 0,
                            detail: format!("{} failed too often", target.title),
                        },
                        asked: Some(pause),
                        counts: false,
                    };
                }
            },
            Way::Free | Way::Probe => self.carry(&target, &parcel).await,
        };
        let exhausted = target.schedule.wait(item.attempts as usize + 1, None, 0).is_none();
        match (&came, fallback) {
            // The last word of the first target is the first of its stand-in.
            (Came::Gone(_), Some(other)) => self.carry(&other, &parcel).await,
            (Came::Later { .. }, Some(other)) if exhausted => self.carry(&other, &parcel).await,
            _ => came,
        }
    }

    async fn carry(&self, target: &Target, parcel: &Parcel) -> Came {
        let Attempt { told, trace_id } = self.replays.courier.carry(target, parcel).await;
        self.replays.learn(target, &told);
        match told {
            Told::Taken { status } => {
                Came::Taken { status, via: target.key.clone(), trace_id, result: String::new(), awaits: Vec::new() }
            }
            Told::Later { no, asked } => Came::Later { no, asked, counts: true },
            Told::Never(no) => Came::Never(no),
            Told::Gone(no) => Came::Gone(no),
        }
    }
}

/// The same for every attempt at the same content, in whichever job: the target can tell a repetition.
pub fn idempotency_key(tenant: &str, item: &ReplayItemRow, options: &Options) -> String {
    let mut digest = Sha256::new();
    for part in [tenant, &item.edit, &item.body] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    digest.update(item.payload.to_le_bytes());
    digest.update(item.record.to_le_bytes());
    if !item.body.is_empty() {
        // An action is its own: the same words another time are another call.
        digest.update(item.replay.as_bytes());
    }
    digest.update(serde_json::to_string(&options.steps).unwrap_or_default().as_bytes());
    format!("milepost-{}", hex::encode(&digest.finalize()[..16]))
}

/// An edit is text; a record that came in another dress goes on as JSON.
pub fn edited_form(form: Form) -> Form {
    match form {
        Form::LogsProtobuf => Form::LogsJson,
        Form::TracesProtobuf => Form::TracesJson,
        Form::MetricsProtobuf => Form::MetricsJson,
        other => other,
    }
}

/// Applies a rule to every record of a body.
pub fn by_rule(steps: &[edit::Step], form: Form, body: &Bytes) -> Option<(Form, Bytes)> {
    let mend = |text: &[u8]| {
        let mut value: Value = serde_json::from_slice(text).ok()?;
        match &mut value {
            Value::Array(records) => records.iter_mut().for_each(|record| {
                edit::apply(steps, record);
            }),
            record => {
                edit::apply(steps, record);
            }
        }
        serde_json::to_vec(&value).ok()
    };
    match form {
        Form::Json | Form::CloudEvent | Form::CloudEventBatch => Some((form, mend(body)?.into())),
        Form::Ndjson => {
            let mut out = Vec::new();
            for line in body.split(|byte| *byte == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace)) {
                out.extend(mend(line)?);
                out.push(b'\n');
            }
            Some((form, out.into()))
        }
        Form::LogsProtobuf | Form::LogsJson | Form::TracesProtobuf | Form::TracesJson => {
            let (form, text) = editable(form, body, WHOLE)?;
            let mut value: Value = serde_json::from_str(&text).ok()?;
            edit::wrapped::apply(steps, &mut value);
            Some((form, serde_json::to_vec(&value).ok()?.into()))
        }
        _ => None,
    }
}

pub fn content_type(form: Form) -> &'static str {
    match form {
        Form::Ndjson => "application/x-ndjson",
        Form::CloudEvent => "application/cloudevents+json",
        Form::CloudEventBatch => "application/cloudevents-batch+json",
        Form::TracesProtobuf | Form::LogsProtobuf | Form::MetricsProtobuf => "application/x-protobuf",
        _ => "application/json",
    }
}

fn header(headers: &[(String, String)], name: &str) -> String {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

fn refused(refusal: &Refusal) -> Came {
    let place = if refusal.pointer.is_empty() { String::new() } else { format!(" at {}", refusal.pointer) };
    let detail = format!("{}{place}: expected {}, found {}", refusal.detail, refusal.expected, refusal.found);
    let detail = format!("{}: {detail}", refusal.code);
    Came::Never(No { code: "refused_again", status: 0, detail })
}

fn never(code: &'static str, detail: &str) -> Came {
    Came::Never(No { code, status: 0, detail: detail.to_owned() })
}

fn wait(code: &'static str, detail: &str) -> Came {
    Came::Later { no: No { code, status: 0, detail: detail.to_owned() }, asked: Some(SOON), counts: false }
}

fn pressure_code(pressure: Pressure) -> &'static str {
    match pressure {
        Pressure::Full => "journal_full",
        Pressure::Behind => "store_behind",
        Pressure::Closed => "closing",
    }
}

/// A record as text for an editor: JSON on lines of its own, OTLP as OTLP/JSON; None when it is no text.
pub fn editable(form: Form, body: &Bytes, record: u32) -> Option<(Form, String)> {
    let (form, bytes) = records::record(form, body, record)?;
    let value = match form {
        Form::LogsProtobuf => otlp::<opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest>(&bytes),
        Form::TracesProtobuf => {
            otlp::<opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest>(&bytes)
        }
        _ => None,
    };
    let text = match value {
        Some(value) => serde_json::to_string_pretty(&value).ok()?,
        None => pretty(std::str::from_utf8(&bytes).ok()?),
    };
    Some((edited_form(form), text))
}

/// JSON on lines of its own; other text as it is.
pub fn pretty(text: &str) -> String {
    serde_json::from_str::<Value>(text)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok())
        .unwrap_or_else(|| text.to_owned())
}

fn otlp<M: prost::Message + Default + serde::Serialize>(bytes: &Bytes) -> Option<Value> {
    serde_json::to_value(M::decode(bytes.clone()).ok()?).ok()
}
