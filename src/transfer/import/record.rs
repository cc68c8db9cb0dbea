//! A record of a file on its way to the door, and a batch of them.

use serde::Serialize;

/// A place in a file, for people and for going on: line and column from 1, bytes from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: u64,
    pub column: u64,
    pub byte: u64,
}

impl Place {
    pub const START: Self = Self { line: 1, column: 1, byte: 0 };
}

/// What one record of a file became.
#[derive(Clone, Debug)]
pub struct Record {
    pub at: Place,
    /// Where reading may go on so that nothing is left out; what comes again is known by its id.
    pub resume: Place,
    /// The event as one line of JSON, or why there is none.
    pub event: Result<Vec<u8>, Flaw>,
    /// How it stood in the file, where the event does not show that.
    pub raw: Option<String>,
}

/// Why a record could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    pub code: &'static str,
    pub line: u64,
    pub column: u64,
    pub detail: String,
}

/// A record that was not taken, as it is written to the file of refused ones.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    pub line: u64,
    pub column: u64,
    pub code: String,
    pub detail: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expected: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub found: String,
    /// Under this id the server keeps it; empty when it was not sent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub payload_id: String,
    /// As it stood in the file.
    pub record: String,
}

/// Events for one request.
#[derive(Debug, Default)]
pub struct Batch {
    /// One JSON event a line.
    pub body: Vec<u8>,
    /// Of each event in the body: where it stood, and where it begins and ends in the body.
    pub events: Vec<Line>,
    /// Records that cannot be sent.
    pub refused: Vec<Refused>,
    /// Records of the file that it stands for.
    pub read: u64,
    /// Records that stood in the file before, the same to the letter.
    pub repeats: u64,
    /// Where reading goes on after it.
    pub resume: Option<Place>,
    /// Hash of the file up to there.
    pub sha256: String,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub at: Place,
    pub bytes: std::ops::Range<usize>,
    pub raw: Option<String>,
}

impl Batch {
    pub fn refuse(&mut self, record: Record, flaw: Flaw) {
        self.refused.push(Refused {
            line: flaw.line,
            column: flaw.column,
            code: flaw.code.to_owned(),
            detail: flaw.detail,
            pointer: String::new(),
            expected: String::new(),
            found: String::new(),
            payload_id: String::new(),
            record: record.raw.unwrap_or_default(),
        });
    }

    /// How an event of the body stood in the file.
    pub fn raw(&self, index: usize) -> String {
        let Some(line) = self.events.get(index) else { return String::new() };
        match &line.raw {
            Some(raw) => raw.clone(),
            None => String::from_utf8_lossy(&self.body[line.bytes.clone()]).into_owned(),
        }
    }
}
