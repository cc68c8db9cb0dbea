//! Events one a line, and events in an array: both are sent as they stand, once they are seen to be JSON.

use std::io::{BufRead, Read};

use super::record::{Flaw, Place, Record};
use super::split::{Element, MAX_ELEMENT, Split, SplitError};

/// Something that gives one record after the other; an error ends the file.
pub trait Reader: Send {
    fn record(&mut self) -> anyhow::Result<Option<Record>>;
}

/// NDJSON.
pub struct Lines<R> {
    input: R,
    here: Place,
}

impl<R: BufRead> Lines<R> {
    pub fn new(input: R, from: Place) -> Self {
        Self { input, here: from }
    }
}

impl<R: BufRead + Send> Reader for Lines<R> {
    fn record(&mut self) -> anyhow::Result<Option<Record>> {
        loop {
            let at = self.here;
            let mut bytes = Vec::new();
            let read = self.input.by_ref().take(MAX_ELEMENT as u64 + 1).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            let mut length = read as u64;
            let too_long = read > MAX_ELEMENT && !bytes.ends_with(b"\n");
            if too_long {
                length += skip_line(&mut self.input)?;
                bytes.truncate(200);
            }
            self.here = Place { line: at.line + 1, column: 1, byte: at.byte + length };
            let mut text = bytes.trim_ascii();
            if at.byte == 0 {
                text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
            }
            if text.is_empty() {
                continue;
            }
            let event = if too_long { Err(long(at)) } else { checked(text, at) };
            let raw = event.is_err().then(|| String::from_utf8_lossy(text).into_owned());
            return Ok(Some(Record { at, resume: self.here, event, raw }));
        }
    }
}

fn skip_line(input: &mut impl BufRead) -> std::io::Result<u64> {
    let mut skipped = 0;
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(skipped);
        }
        let (length, ended) = match bytes.iter().position(|b| *b == b'\n') {
            Some(at) => (at + 1, true),
            None => (bytes.len(), false),
        };
        input.consume(length);
        skipped += length as u64;
        if ended {
            return Ok(skipped);
        }
    }
}

/// A JSON array of events.
pub struct Elements<R> {
    split: Split<R>,
    from: u64,
}

impl<R: BufRead> Elements<R> {
    pub fn new(input: R, from: Place) -> Self {
        Self { split: Split::new(input, |_| true), from: from.byte }
    }
}

impl<R: BufRead + Send> Reader for Elements<R> {
    fn record(&mut self) -> anyhow::Result<Option<Record>> {
        while let Some(element) = self.split.element().map_err(told)? {
            if element.end.byte <= self.from {
                continue;
            }
            let text = String::from_utf8_lossy(element.bytes.as_deref().unwrap_or_default()).trim().to_owned();
            let event = one_line(&element);
            let raw = event.is_err().then_some(text);
            return Ok(Some(Record { at: element.at, resume: element.end, event, raw }));
        }
        Ok(None)
    }
}

pub fn told(error: SplitError) -> anyhow::Error {
    match error {
        SplitError::Read(error) => error.into(),
        broken @ SplitError::Broken { .. } => {
            anyhow::anyhow!("{broken}; what stands before it is imported, what follows cannot be told apart")
        }
    }
}

/// An element as one line of JSON.
pub fn one_line(element: &Element) -> Result<Vec<u8>, Flaw> {
    let Some(bytes) = &element.bytes else { return Err(long(element.at)) };
    let mut text = checked(bytes.trim_ascii(), element.at)?;
    for byte in &mut text {
        // Between values only: inside a text they would not be JSON.
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    Ok(text)
}

fn long(at: Place) -> Flaw {
    let detail = format!("The record is longer than {} MiB.", MAX_ELEMENT >> 20);
    Flaw { code: "record_too_long", line: at.line, column: at.column, detail }
}

/// The text when it is one JSON object.
fn checked(text: &[u8], at: Place) -> Result<Vec<u8>, Flaw> {
    let read: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(text);
    match read {
        Ok(_) if text.first() == Some(&b'{') => Ok(text.to_vec()),
        Ok(_) => Err(Flaw {
            code: "wrong_type",
            line: at.line,
            column: at.column,
            detail: "Expected a JSON object: one event.".to_owned(),
        }),
        Err(error) => Err(json_flaw(&error, at)),
    }
}

/// A JSON error with its place in the file.
pub fn json_flaw(error: &serde_json::Error, at: Place) -> Flaw {
    let line = at.line + (error.line() as u64).saturating_sub(1);
    let column =
        if error.line() <= 1 { at.column + (error.column() as u64).saturating_sub(1) } else { error.column() as u64 };
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    Flaw { code: "invalid_json", line, column, detail: format!("The text is not JSON: {what}.") }
}
