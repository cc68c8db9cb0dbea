//! A JSON text as lines with their pointers, to the letter: order, doubled keys and the writing of numbers stay.
//! Text that is no JSON stays as it came.

use serde::Serialize;

use super::words;

/// No page shows more of a payload; the rest is a download away.
pub const MAX_BYTES: usize = 256 * 1024;
const MAX_LINES: usize = 12_000;
const MAX_DEPTH: usize = 200;

/// One line: what stands before the value, the value, and what follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Line {
    pub number: usize,
    pub indent: usize,
    pub key: String,
    pub value: String,
    /// `string`, `number`, `word`, or empty for brackets.
    pub kind: &'static str,
    pub tail: String,
    #[serde(skip)]
    pub pointer: String,
    pub bad: bool,
    /// Holds the text that was looked for.
    pub hit: bool,
    pub note: String,
}

/// `None` when the text is not one whole JSON value.
pub fn lines(text: &str) -> Option<Vec<Line>> {
    let mut reader = Reader { rest: text.trim_start(), lines: Vec::new() };
    reader.value(0, String::new(), "")?;
    reader.rest.trim_start().is_empty().then_some(reader.lines)
}

struct Reader<'a> {
    rest: &'a str,
    lines: Vec<Line>,
}

impl<'a> Reader<'a> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn eat(&mut self, wanted: char) -> Option<()> {
        (self.peek()? == wanted).then(|| self.rest = &self.rest[wanted.len_utf8()..])
    }

    fn push(&mut self, indent: usize, key: &str, value: &str, kind: &'static str, pointer: &str) -> Option<()> {
        if self.lines.len() >= MAX_LINES {
            return None;
        }
        self.lines.push(Line {
            number: self.lines.len() + 1,
            indent,
            key: key.to_owned(),
            value: value.to_owned(),
            kind,
            pointer: pointer.to_owned(),
            ..Line::default()
        });
        Some(())
    }

    fn value(&mut self, indent: usize, key: String, pointer: &str) -> Option<()> {
        match self.peek()? {
            '{' => self.many(indent, key, pointer, '{', '}'),
            '[' => self.many(indent, key, pointer, '[', ']'),
            '"' => {
                let text = self.string()?;
                self.push(indent, &key, text, "string", pointer)
            }
            _ => {
                let end = self.rest.find([',', '}', ']', ' ', '\n', '\r', '\t']).unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                serde_json::from_str::<&serde_json::value::RawValue>(word).ok()?;
                self.rest = rest;
                let kind = if word.starts_with(|c: char| c == '-' || c.is_ascii_digit()) { "number" } else { "word" };
                self.push(indent, &key, word, kind, pointer)
            }
        }
    }

    fn many(&mut self, indent: usize, key: String, pointer: &str, open: char, close: char) -> Option<()> {
        if indent >= MAX_DEPTH {
            return None;
        }
        self.eat(open)?;
        if self.eat(close).is_some() {
            return self.push(indent, &key, &format!("{open}{close}"), "", pointer);
        }
        self.push(indent, &key, open.encode_utf8(&mut [0; 4]), "", pointer)?;
        let mut place = 0;
        loop {
            let (label, name) = if open == '{' {
                self.peek()?;
                let raw = self.string()?;
                self.eat(':')?;
                (raw.to_owned(), serde_json::from_str::<String>(raw).ok()?)
            } else {
                (String::new(), place.to_string())
            };
            let below = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            self.value(indent + 1, label, &below)?;
            place += 1;
            if self.eat(',').is_some() {
                self.lines.last_mut()?.tail.push(',');
                continue;
            }
            self.eat(close)?;
            return self.push(indent, "", close.encode_utf8(&mut [0; 4]), "", "\u{0}");
        }
    }

    /// A string with its quotes, checked.
    fn string(&mut self) -> Option<&'a str> {
        let bytes = self.rest.as_bytes();
        if bytes.first() != Some(&b'"') {
            return None;
        }
        let mut at = 1;
        while *bytes.get(at)? != b'"' {
            at += if bytes.get(at) == Some(&b'\\') { 2 } else { 1 };
        }
        let (text, rest) = (self.rest.get(..=at)?, self.rest.get(at + 1..)?);
        serde_json::from_str::<std::borrow::Cow<'_, str>>(text).ok()?;
        self.rest = rest;
        Some(text)
    }
}

/// Marks the line at the pointer, or the nearest that contains it (a missing field has no line of its own).
pub fn mark(lines: &mut [Line], pointer: &str, note: &str) {
    let mut wanted = pointer;
    loop {
        if let Some(line) = lines.iter_mut().find(|line| line.pointer == wanted) {
            line.bad = true;
            line.note = if line.note.is_empty() { note.to_owned() } else { format!("{}; {note}", line.note) };
            return;
        }
        match wanted.rfind('/') {
            Some(parent) => wanted = &wanted[..parent],
            None => return,
        }
    }
}

/// Text that is no JSON: its lines as they are.
pub fn plain(text: &str) -> Vec<Line> {
    let line = |(at, text): (usize, &str)| Line { number: at + 1, value: words::cut(text, 4000), ..Line::default() };
    text.lines().take(MAX_LINES).enumerate().map(line).collect()
}

/// Bytes that are no text: offset (the first byte's is `start`), hex, and what is readable.
pub fn hex(bytes: &[u8], start: usize) -> Vec<Line> {
    let line = |(row, chunk): (usize, &[u8])| {
        let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String =
            chunk.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' }).collect();
        Line {
            number: row + 1,
            key: format!("{:06x}", start + row * 16),
            value: format!("{:<47}  {text}", hex.join(" ")),
            ..Line::default()
        }
    };
    bytes.chunks(16).enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn shown(lines: &[Line]) -> String {
        let line = |line: &Line| {
            let colon = if line.key.is_empty() { "" } else { ": " };
            format!(
                "{}{}{colon}{}{}{}\n",
                "  ".repeat(line.indent),
                line.key,
                line.value,
                line.tail,
                if line.bad { " <" } else { "" }
            )
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn the_letter_is_kept_and_the_fault_is_marked() {
        let mut all = lines(r#"{"b":[1.50,{"sku":"A\"/"}],"a":{},"a":null}"#).unwrap();
        mark(&mut all, "/b/1/sku", "unknown");
        mark(&mut all, "/b/1/missing", "must be there");
        assert_eq!(
            shown(&all),
            "{\n  \"b\": [\n    1.50,\n    { <\n      \"sku\": \"A\\\"/\" <\n    }\n  ],\n  \"a\": {},\n  \"a\": null\n}\n"
        );
    }

    #[test]
    fn what_is_no_json_is_left_alone() {
        for text in ["", "{", "[1,]", "{\"a\" 1}", "{\"a\":1} x", "\"\\x\"", "nul", "\"", &"[".repeat(100_000)] {
            assert_eq!(lines(text), None, "{}", words::cut(text, 20));
        }
    }
}
