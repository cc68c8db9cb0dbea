//! Bytes to business events and refusals: decoding, contracts, normalising.
//! Pure: no network, files, clock or environment. What a payload means for a workflow is `domain`'s business.

#![expect(clippy::result_large_err, reason = "a refusal is full of words on purpose, and it is the rare way out")]

mod act;
mod cloudevent;
mod code;
mod contract;
mod dead_letter;
mod envelope;
mod event;
mod form;
mod item;
mod json;
mod limits;
mod mapping;
mod otlp;
mod refusal;
mod time;
pub mod vocabulary;

pub use act::{ACTING_SYSTEM, write_acts};
pub use cloudevent::{read_cloudevent, read_cloudevent_batch, read_cloudevent_binary};
pub use code::Code;
pub use contract::{ContractError, Contracts, EventType};
pub use dead_letter::{DEAD_LETTERED, DeadLetter, Letter, dead_letter, dead_letters, read_dead_letters, slug};
pub use event::{Context, Event, Log, ObjectRef, Point, Reading, Span, TraceRef};
pub use form::{Form, read};
pub use item::item;
pub use json::{read_json, read_ndjson};
pub use limits::Limits;
pub use mapping::{Mapping, MappingError};
pub use otlp::{
    logs_json_to_protobuf, metrics_json_to_protobuf, read_logs, read_metrics, read_traces, traces_json_to_protobuf,
};
pub use refusal::{Hint, Refusal, Stage};
pub use vocabulary::{EVENT_TYPES, OBJECT_TYPES};
