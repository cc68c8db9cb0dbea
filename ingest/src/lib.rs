//! Bytes to business events and refusals: decoding, contracts, normalising.
//! Pure: no network, files, clock or environment. What a payload means for a workflow is `domain`'s business.

mod event;
mod refusal;

pub use event::{Context, Event, Log, ObjectRef, Point, Reading, Span, TraceRef};
pub use refusal::{Hint, Refusal, Stage};

// Placeholders until the reader room is built.
pub struct Contracts;
pub struct Mapping;
pub struct Limits;
