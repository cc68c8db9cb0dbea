//! Rows as the API tells them: times as RFC 3339 in UTC, money as decimal text with its currency.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, SecondsFormat};
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::Money;
use crate::pages::payload::{header_value, is_masked};
use crate::pages::{mask, words};
use crate::store::rows::{EventRow, FailureRow, ObjectRow, PayloadRow, WorkflowRow};

pub fn time(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)).unwrap_or_default()
}

pub fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn objects(names: &[String]) -> Vec<ObjectRef> {
    names.iter().filter_map(|name| ObjectRef::parse(name)).collect()
}

#[derive(Serialize)]
pub struct WorkflowItem {
    definition: String,
    definition_version: u32,
    object: ObjectRef,
    status: String,
    stage: String,
    stage_title: String,
    stage_number: u8,
    stage_count: u8,
    next: Option<String>,
    waiting_for: Option<String>,
    customer: Option<String>,
    amount: Option<Money>,
    priority: Option<String>,
    warehouse: Option<String>,
    carrier: Option<String>,
    created_at: String,
    updated_at: String,
    closed: bool,
    last_event: Last,
    due_at: Option<String>,
    sla: Option<String>,
    blocked_by: Option<Blocked>,
    exceptions: Vec<String>,
    readiness: String,
    objects: Vec<ObjectRef>,
}

#[derive(Serialize)]
struct Last {
    #[serde(rename = "type")]
    kind: String,
    system: String,
    occurred_at: String,
}

#[derive(Serialize)]
struct Blocked {
    code: String,
    what: String,
}

impl From<WorkflowRow> for WorkflowItem {
    fn from(row: WorkflowRow) -> Self {
        let amount = row.amount.and_then(|value| Decimal::try_from_i128_with_scale(value, 6).ok());
        Self {
            definition: row.definition,
            definition_version: row.definition_version,
            object: ObjectRef::new(row.root_type, row.root_id),
            status: row.status,
            stage: row.stage,
            stage_title: row.stage_title,
            stage_number: row.stage_number,
            stage_count: row.stage_count,
            next: filled(row.next),
            waiting_for: filled(row.waiting_for),
            customer: filled(row.customer),
            amount: amount.map(|value| Money { value: value.normalize(), currency: row.currency }),
            priority: filled(row.priority),
            warehouse: filled(row.warehouse),
            carrier: filled(row.carrier),
            created_at: time(row.created_ms),
            updated_at: time(row.updated_ms),
            closed: row.closed,
            last_event: Last { kind: row.last_type, system: row.last_system, occurred_at: time(row.last_ms) },
            due_at: row.due_ms.map(time),
            sla: filled(row.sla),
            blocked_by: filled(row.blocked_code).map(|code| Blocked { code, what: row.blocked_what }),
            exceptions: row.exceptions,
            readiness: row.readiness,
            objects: objects(&row.members),
        }
    }
}

#[derive(Serialize)]
pub struct Object {
    object: ObjectRef,
    state: String,
    held: bool,
    held_since: Option<String>,
    waits_for: Option<String>,
    first_at: String,
    last_at: String,
    links: Vec<ObjectRef>,
    workflows: Vec<ObjectRef>,
    events: Vec<Event>,
}

#[derive(Serialize)]
pub struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    schema_version: u32,
    source: String,
    system: String,
    occurred_at: String,
    received_at: String,
    refs: Vec<ObjectRef>,
    trace_id: Option<String>,
    payload_id: String,
    data: Box<RawValue>,
}

impl Object {
    pub fn new(row: ObjectRow, events: Vec<EventRow>) -> Self {
        Self {
            object: ObjectRef::new(row.object_type, row.object_id),
            state: row.state,
            held_since: row.held.then(|| time(row.held_since_ms)),
            held: row.held,
            waits_for: filled(row.waits_for),
            first_at: time(row.first_ms),
            last_at: time(row.last_ms),
            links: objects(&row.links),
            workflows: objects(&row.workflows),
            events: events.into_iter().map(Event::from).collect(),
        }
    }
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        Self {
            payload_id: words::payload_id(row.payload, Some(row.index)),
            occurred_at: time(row.occurred_ms),
            received_at: time(row.received_ms),
            refs: objects(&row.refs),
            // To the letter: numbers are not read and written anew.
            data: RawValue::from_string(row.data).unwrap_or_default(),
            id: row.event_id,
            kind: row.event_type,
            schema_version: row.schema_version,
            source: row.source,
            system: row.system,
            trace_id: filled(row.trace_id),
        }
    }
}

#[derive(Serialize)]
pub struct Held {
    object: ObjectRef,
    state: String,
    waits_for: String,
    held_since: String,
    events: u32,
    last_event: Last,
    source: String,
    links: Vec<ObjectRef>,
}

impl From<ObjectRow> for Held {
    fn from(row: ObjectRow) -> Self {
        Self {
            object: ObjectRef::new(row.object_type, row.object_id),
            state: row.state,
            waits_for: row.waits_for,
            held_since: time(row.held_since_ms),
            events: row.events,
            last_event: Last { kind: row.last_type, system: row.last_system, occurred_at: time(row.last_ms) },
            source: row.last_source,
            links: objects(&row.links),
        }
    }
}

#[derive(Serialize)]
pub struct Failure {
    payload_id: String,
    index: u32,
    received_at: String,
    stage: String,
    code: String,
    pointer: String,
    expected: String,
    found: String,
    detail: String,
    /// Failures of one cause share it.
    fingerprint: String,
    source: String,
    event_type: Option<String>,
    event_id: Option<String>,
    schema_version: u32,
    object: Option<ObjectRef>,
    /// The byte at which reading ended, where bytes are at fault.
    offset: Option<u64>,
    attempts: u32,
    target: Option<String>,
    step: Option<String>,
    trace_id: Option<String>,
}

impl From<FailureRow> for Failure {
    fn from(row: FailureRow) -> Self {
        Self {
            payload_id: words::payload_id(row.payload, Some(row.index)),
            index: row.index,
            received_at: time(row.received_ms),
            stage: row.stage,
            code: row.code,
            found: mask::value(&row.pointer, &row.found),
            pointer: row.pointer,
            expected: row.expected,
            detail: mask::text(&row.detail),
            offset: u64::try_from(row.offset).ok(),
            attempts: row.attempts,
            target: filled(row.target),
            step: filled(mask::text(&row.step)),
            trace_id: filled(row.trace_id),
            fingerprint: format!("{:016x}", row.fingerprint),
            source: row.source,
            event_type: filled(row.event_type),
            event_id: filled(row.event_id),
            schema_version: row.schema_version,
            object: filled(row.object_id).map(|id| ObjectRef::new(row.object_type, id)),
        }
    }
}

#[derive(Serialize)]
pub struct Payload {
    payload_id: String,
    received_at: String,
    form: String,
    source: String,
    key_id: String,
    headers: Vec<(String, String)>,
    bytes: usize,
    accepted: u32,
    refused: u32,
    /// The version of contracts and mapping that it was read by; null where that is not known.
    rules: Option<String>,
    /// Secrets and personal data stand as dots in what follows.
    masked: bool,
    /// As text where it is UTF-8, else as base64; of a dead letter, what is inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    /// The record asked for, as it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<serde_json::Value>,
    problems: Vec<Failure>,
}

impl Payload {
    /// `open`: with all that is in it.
    pub fn new(row: PayloadRow, failures: Vec<FailureRow>, index: Option<u32>, open: bool) -> Self {
        let form = milepost_ingest::Form::parse(&row.form);
        let letter = match form {
            Some(milepost_ingest::Form::DeadLetters) => {
                index.and_then(|index| milepost_ingest::dead_letter(&row.body, index))
            }
            _ => None,
        };
        let masked = !open && is_masked(&row, index);
        let mut record = index.and_then(|index| milepost_ingest::item(form?, &row.headers, &row.body, index));
        let (headers, bytes) = match letter {
            Some(letter) => (letter.headers, letter.payload),
            None => (row.headers, row.body),
        };
        let size = bytes.len();
        if masked {
            record.as_mut().into_iter().for_each(|value| mask::json(value, false));
        }
        let (body, body_base64) = match String::from_utf8(bytes) {
            Ok(text) => (Some(if masked { mask::text(&text) } else { text }), None),
            Err(error) if masked => {
                // What stands in a secret's place has its length, so that the rest stays where it was.
                let mut bytes = error.into_bytes();
                for range in mask::ranges(&bytes) {
                    bytes[range].fill(b'*');
                }
                (None, Some(BASE64_STANDARD.encode(bytes)))
            }
            Err(error) => (None, Some(BASE64_STANDARD.encode(error.as_bytes()))),
        };
        let header = |(name, value): (String, String)| {
            let shown = if masked { header_value(&name, &value) } else { value };
            (name, shown)
        };
        Self {
            payload_id: words::payload_id(row.payload, index),
            received_at: time(row.received_ms),
            form: row.form,
            source: row.source,
            key_id: row.key_id,
            headers: headers.into_iter().map(header).collect(),
            bytes: size,
            accepted: row.events,
            refused: row.refused,
            rules: Some(row.rules).filter(|rules| !rules.is_empty()),
            masked,
            body,
            body_base64,
            record,
            problems: failures
                .into_iter()
                .filter(|failure| index.is_none_or(|index| failure.index == index))
                .map(Failure::from)
                .collect(),
        }
    }
}
