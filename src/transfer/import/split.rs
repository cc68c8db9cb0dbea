//! Cuts a JSON document into the elements of its arrays without holding it: a plain array, or an object whose members
//! are arrays (OCEL). Finds brackets and strings only; whether an element is right JSON its reader says, so that one bad
//! element does not spoil its neighbours.

use std::io::{BufRead, ErrorKind};
use std::sync::Arc;

use super::record::Place;

/// Longest element that is read.
pub const MAX_ELEMENT: usize = 16 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Name of the member whose array it stands in; empty in a plain array.
    pub section: Arc<str>,
    pub at: Place,
    pub end: Place,
    /// None when it is longer than the limit.
    pub bytes: Option<Vec<u8>>,
}

#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    #[error("{0}")]
    Read(#[from] std::io::Error),
    #[error("line {}, column {}: {what}", at.line, at.column)]
    Broken { at: Place, what: String },
}

pub struct Split<R> {
    input: R,
    here: Place,
    /// Open brackets, outermost first, with their places.
    open: Vec<(u8, Place)>,
    /// Inside the outermost object: the last name read, and whether a value follows it.
    name: Vec<u8>,
    in_value: bool,
    section: Arc<str>,
    wanted: fn(&str) -> bool,
    done: bool,
}

impl<R: BufRead> Split<R> {
    /// Elements of the sections that are wanted; others are passed over.
    pub fn new(input: R, wanted: fn(&str) -> bool) -> Self {
        Self {
            input,
            here: Place::START,
            open: Vec::new(),
            name: Vec::new(),
            in_value: false,
            section: "".into(),
            wanted,
            done: false,
        }
    }

    /// The next element; None at the end of the document.
    pub fn element(&mut self) -> Result<Option<Element>, SplitError> {
        while !self.done {
            let Some(byte) = self.peek()? else {
                self.done = true;
                return match self.open.last() {
                    None => Ok(None),
                    Some((bracket, at)) => Err(broken(
                        self.here,
                        format!(
                            "the file ends inside the `{}` of line {}, column {}",
                            char::from(*bracket),
                            at.line,
                            at.column
                        ),
                    )),
                };
            };
            let in_array = matches!(self.open.as_slice(), [(b'[', _)] | [(b'{', _), (b'[', _)]);
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                    if byte == b',' && self.open.len() == 1 {
                        self.in_value = false;
                    }
                    self.take();
                }
                b']' | b'}' => {
                    self.close(byte)?;
                    if self.open.is_empty() {
                        self.done = true;
                    }
                }
                _ if in_array => return self.collect(byte).map(Some),
                b'[' | b'{' if self.open.is_empty() => self.push(byte),
                b':' if self.open.len() == 1 => {
                    self.in_value = true;
                    self.take();
                }
                b'[' if self.in_value => {
                    self.section = String::from_utf8_lossy(&self.name).as_ref().into();
                    self.push(byte);
                }
                b'"' if self.open.len() == 1 && !self.in_value => {
                    let mut name = Vec::new();
                    self.string(Some(&mut name))?;
                    self.name = name[1..name.len() - 1].to_vec();
                }
                _ if self.open.len() == 1 && self.in_value => self.value(byte, &mut None)?,
                // A byte order mark.
                0xEF | 0xBB | 0xBF if self.here.byte < 3 => self.take(),
                _ => {
                    let found =
                        if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("{byte:#x}") };
                    return Err(broken(self.here, format!("expected JSON, found `{found}`")));
                }
            }
        }
        Ok(None)
    }

    fn collect(&mut self, first: u8) -> Result<Element, SplitError> {
        let at = self.here;
        let mut kept = (self.wanted)(&self.section).then(Vec::new);
        let wanted = kept.is_some();
        self.value(first, &mut kept)?;
        if !wanted {
            // Named by its section; the caller skips it.
            kept = Some(Vec::new());
        }
        Ok(Element { section: Arc::clone(&self.section), at, end: self.here, bytes: kept })
    }

    /// Passes one value, keeping its bytes where `kept` is there; `kept` becomes None when there are too many.
    fn value(&mut self, first: u8, kept: &mut Option<Vec<u8>>) -> Result<(), SplitError> {
        let depth = self.open.len();
        let mut byte = first;
        loop {
            match byte {
                b'"' => {
                    let mut text = kept.is_some().then(Vec::new);
                    self.string(text.as_mut())?;
                    if let (Some(kept), Some(text)) = (kept.as_mut(), text) {
                        kept.extend_from_slice(&text);
                    }
                }
                b'[' | b'{' => {
                    keep(kept, byte);
                    self.push(byte);
                }
                b']' | b'}' => {
                    if self.open.len() == depth {
                        return Ok(());
                    }
                    keep(kept, byte);
                    self.close(byte)?;
                }
                b',' if self.open.len() == depth => return Ok(()),
                _ => {
                    keep(kept, byte);
                    self.take();
                }
            }
            if kept.as_ref().is_some_and(|k| k.len() > MAX_ELEMENT) {
                *kept = None;
            }
            // A container is over with its bracket; a plain value with what follows it.
            if self.open.len() == depth && matches!(byte, b']' | b'}') {
                return Ok(());
            }
            byte = match self.peek()? {
                Some(next) => next,
                None => return Ok(()),
            };
        }
    }

    fn string(&mut self, mut kept: Option<&mut Vec<u8>>) -> Result<(), SplitError> {
        let at = self.here;
        let mut escaped = false;
        let mut first = true;
        loop {
            let Some(byte) = self.peek()? else {
                return Err(broken(at, "a text begins here and does not end".to_owned()));
            };
            if byte == b'\n' {
                return Err(broken(at, "a text begins here and does not end on its line".to_owned()));
            }
            if let Some(kept) = kept.as_mut()
                && kept.len() <= MAX_ELEMENT
            {
                kept.push(byte);
            }
            self.take();
            if !first && byte == b'"' && !escaped {
                return Ok(());
            }
            escaped = byte == b'\\' && !escaped;
            first = false;
        }
    }

    fn push(&mut self, bracket: u8) {
        self.open.push((bracket, self.here));
        self.take();
    }

    fn close(&mut self, bracket: u8) -> Result<(), SplitError> {
        let here = self.here;
        let wanted = if bracket == b']' { b'[' } else { b'{' };
        match self.open.pop() {
            Some((open, _)) if open == wanted => {
                if self.open.len() == 1 {
                    self.in_value = false;
                }
                self.take();
                Ok(())
            }
            Some((open, at)) => Err(broken(
                here,
                format!(
                    "`{}` cannot close the `{}` of line {}, column {}",
                    char::from(bracket),
                    char::from(open),
                    at.line,
                    at.column
                ),
            )),
            None => Err(broken(here, format!("`{}` closes nothing", char::from(bracket)))),
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, SplitError> {
        loop {
            match self.input.fill_buf() {
                Ok(bytes) => return Ok(bytes.first().copied()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Goes past the byte that was looked at.
    fn take(&mut self) {
        let newline = self.input.fill_buf().is_ok_and(|bytes| bytes.first() == Some(&b'\n'));
        self.input.consume(1);
        self.here.byte += 1;
        if newline {
            self.here.line += 1;
            self.here.column = 1;
        } else {
            self.here.column += 1;
        }
    }
}

fn keep(kept: &mut Option<Vec<u8>>, byte: u8) {
    if let Some(kept) = kept {
        kept.push(byte);
    }
}

fn broken(at: Place, what: String) -> SplitError {
    SplitError::Broken { at, what }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn all(text: &str) -> Vec<(String, String)> {
        let mut split = Split::new(text.as_bytes(), |_| true);
        let mut found = Vec::new();
        while let Some(element) = split.element().unwrap() {
            let bytes = String::from_utf8(element.bytes.unwrap()).unwrap();
            found.push((element.section.to_string(), bytes.trim().to_owned()));
        }
        found
    }

    #[test]
    fn elements_are_cut_at_their_own_commas() {
        let pair = |section: &str, text: &str| (section.to_owned(), text.to_owned());
        assert_eq!(
            all(r#" [ {"a": [1, 2]} , 3,"x,]\"" ] "#),
            [pair("", r#"{"a": [1, 2]}"#), pair("", "3"), pair("", r#""x,]\"""#)]
        );
        assert_eq!(
            all(r#"{"x": {"events": [0]}, "n": 5, "events": [{"id": "1"}], "objects": [ ]}"#),
            [pair("events", r#"{"id": "1"}"#)]
        );
        assert_eq!(all(""), []);
    }

    #[test]
    fn what_is_broken_is_named_by_line_and_column() {
        let fails = |text: &str| {
            let mut split = Split::new(text.as_bytes(), |_| true);
            loop {
                match split.element() {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("{text} was read"),
                    Err(error) => return error.to_string(),
                }
            }
        };
        assert_eq!(fails("[1,\n {\"a\": 2]"), "line 2, column 9: `]` cannot close the `{` of line 2, column 2");
        assert_eq!(fails("[\n{\"a\": 1},"), "line 2, column 10: the file ends inside the `[` of line 1, column 1");
        assert_eq!(fails("[\"a\nb\"]"), "line 1, column 2: a text begins here and does not end on its line");
        assert_eq!(fails("nonsense"), "line 1, column 1: expected JSON, found `n`");
    }
}
