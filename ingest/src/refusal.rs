//! Why something was not taken: a stable code, the place in the payload, what was expected and what was found.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Code;

/// Where on its way a payload failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The bytes could not be read.
    Decode,
    /// Readable, but against the contract of its event type.
    Validate,
    /// Could not be mapped onto a business event.
    Map,
    /// Middleware reported that it could not be delivered downstream.
    Deliver,
    /// A system failed while it worked on it, by its own span.
    Process,
}

impl Stage {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Validate => "validate",
            Self::Map => "map",
            Self::Deliver => "deliver",
            Self::Process => "process",
        }
    }
}

/// One record (or a whole payload) that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Position of the record in its payload, from 0; 0 also when the whole payload is refused.
    pub index: u32,
    pub stage: Stage,
    /// Stable, `snake_case`, for example `missing_field`; docs/events.md lists them.
    pub code: String,
    /// JSON pointer (RFC 6901) into the record, empty for the whole of it.
    pub pointer: String,
    pub expected: String,
    /// The value found, cut to 200 characters.
    pub found: String,
    /// One sentence for people.
    pub detail: String,
    /// The byte of the payload at which reading ended, where the bytes themselves are at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// What could still be told of the record.
    #[serde(default, skip_serializing_if = "Hint::is_empty")]
    pub hint: Hint,
}

/// Names that could be read from a refused record, so that it can be filed; empty where unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    pub event_id: String,
    pub event_type: String,
    pub schema_version: u32,
    pub source: String,
    pub object_type: String,
    pub object_id: String,
}

impl Hint {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Refusal {
    /// A refusal without a place among others; `found` is cut, the detail is the code's meaning.
    pub(crate) fn new(code: Code, pointer: impl Into<String>, expected: impl Into<String>, found: &str) -> Self {
        Self {
            index: 0,
            stage: code.stage(),
            code: code.as_str().to_owned(),
            pointer: pointer.into(),
            expected: expected.into(),
            found: cut(found),
            detail: code.meaning().to_owned(),
            offset: None,
            hint: Hint::default(),
        }
    }

    pub(crate) fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    pub(crate) fn at_byte(mut self, offset: usize) -> Self {
        self.offset = Some(offset as u64);
        self
    }

    pub(crate) fn at(mut self, index: u32) -> Self {
        self.index = index;
        self
    }
}

const FOUND_CHARS: usize = 200;

/// The first 200 characters, with a mark when there were more.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(FOUND_CHARS) {
        None => text.to_owned(),
        Some(_) => text.chars().take(FOUND_CHARS - 1).chain(['…']).collect(),
    }
}

/// A value as it is shown in `found`.
pub(crate) fn show(value: &Value) -> String {
    cut(&value.to_string())
}

/// Appends one RFC 6901 segment.
pub(crate) fn push_segment(pointer: &mut String, segment: &str) {
    pointer.push('/');
    for c in segment.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}
