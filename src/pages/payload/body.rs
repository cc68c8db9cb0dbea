//! The body of a payload as lines: pretty, as it came, or as bytes; hidden where it must be, marked where it failed.

use milepost_ingest::{Form, Letter};
use serde::Serialize;
use serde_json::Value;

use crate::pages::json::{self, Line};
use crate::pages::{mask, otlp, words};
use crate::store::rows::{FailureRow, PayloadRow};

/// Lines before and after the fault in an excerpt.
const AROUND: usize = 9;
/// Lines shown before the byte at fault.
const LINES_BEFORE: usize = 3_000;
/// Rows of 16 bytes in the hex view.
const HEX_ROWS: usize = 4096;

/// What of a payload is to be shown.
pub struct Body<'a> {
    bytes: &'a [u8],
    form: Option<Form>,
    headers: &'a [(String, String)],
    index: Option<u32>,
    /// The bytes are one record already.
    alone: bool,
}

/// The lines on a few pages that lead to a whole payload.
#[derive(Debug, Serialize)]
pub struct Excerpt {
    pub id: String,
    pub href: String,
    pub lines: Vec<Line>,
    pub writing: &'static str,
    pub before: bool,
    pub after: bool,
}

pub struct Shown {
    pub lines: Vec<Line>,
    pub writing: &'static str,
    pub note: String,
    /// What the bytes seem to be, where they are no text.
    pub kind: String,
    /// Pointers of failures begin at the root of what is shown; else a record's place stands before them.
    rooted: bool,
    item: Option<Value>,
    /// Where the first line begins in the body, for places told in bytes.
    starts: Vec<usize>,
}

impl<'a> Body<'a> {
    pub fn of(row: &'a PayloadRow, index: Option<u32>, letter: Option<&'a Letter>) -> Self {
        match letter {
            Some(letter) => Self { bytes: &letter.payload, form: None, headers: &letter.headers, index, alone: true },
            None => Self { bytes: &row.body, form: Form::parse(&row.form), headers: &row.headers, index, alone: false },
        }
    }

    /// `offset` is a byte that must be in sight.
    pub fn lines(&self, view: &str, offset: Option<i64>) -> Shown {
        let offset = offset.and_then(|at| usize::try_from(at).ok());
        match (view, std::str::from_utf8(self.bytes)) {
            ("hex", _) | ("raw", Err(_)) => self.hex(offset),
            ("raw", Ok(text)) => self.plain(text, offset),
            (_, Ok(text)) => self.pretty(text).unwrap_or_else(|| self.plain(text, offset)),
            // A record within binary can be read all the same.
            (_, Err(_)) => self.record().unwrap_or_else(|| self.hex(offset)),
        }
    }

    fn hex(&self, offset: Option<usize>) -> Shown {
        let most = HEX_ROWS * 16;
        let start = offset.filter(|at| *at > most / 2).map_or(0, |at| (at - most / 2) / 16 * 16).min(self.bytes.len());
        let end = (start + most).min(self.bytes.len());
        let cut = start > 0 || end < self.bytes.len();
        let note = if cut {
            format!(
                "Bytes {start} to {end} of {}; the whole is a download away.",
                words::count(self.bytes.len() as u64)
            )
        } else {
            String::new()
        };
        let lines = json::hex(&self.bytes[start..end], start);
        let starts = (0..lines.len()).map(|row| start + row * 16).collect();
        let kind = guessed(self.bytes).to_owned();
        Shown { lines, writing: "hex", note, kind, rooted: true, item: None, starts }
    }

    fn plain(&self, text: &str, offset: Option<usize>) -> Shown {
        let most = json::MAX_BYTES;
        let floor = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = offset.map_or(0, |at| {
            let before = &text.as_bytes()[..at.min(text.len())];
            let lines = before.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
            let far = lines.map(|(place, _)| place + 1).nth(LINES_BEFORE).unwrap_or(0);
            floor(far.max(at.saturating_sub(most / 2)))
        });
        let end = floor(start + most);
        let part = &text[start..end];
        let (mut lines, mut starts) = (json::plain(part), Vec::new());
        let mut at = start;
        for line in part.split_inclusive('\n').take(lines.len()) {
            starts.push(at);
            at += line.len();
        }
        let skipped = text[..start].matches('\n').count();
        lines.iter_mut().for_each(|line| line.number += skipped);
        let cut = start > 0 || end < text.len();
        let note = if cut {
            format!(
                "{} of {} are shown; the whole is a download away.",
                words::bytes(part.len()),
                words::bytes(text.len())
            )
        } else if at < end {
            format!("The first {} lines are shown; the whole is a download away.", words::count(lines.len() as u64))
        } else {
            String::new()
        };
        Shown { lines, writing: "text", note, kind: String::new(), rooted: true, item: None, starts }
    }

    /// The record asked for as it was read, of a form that is no JSON of ours.
    fn record(&self) -> Option<Shown> {
        let item = milepost_ingest::item(self.form?, self.headers, self.bytes, self.index?)?;
        let lines = json::lines(&item.to_string())?;
        Some(pretty(lines, true, "The record as it was read.", Some(item)))
    }

    fn pretty(&self, text: &str) -> Option<Shown> {
        let ndjson = self.form == Some(Form::Ndjson);
        let textual = matches!(self.form, Some(Form::Json | Form::CloudEvent | Form::CloudEventBatch));
        if !self.alone && !ndjson && !textual {
            return self.record();
        }
        if let Some(index) = self.index.filter(|_| !self.alone) {
            // One line of NDJSON, or one element of an array, is a record of its own.
            let record = if ndjson {
                text.lines().filter(|line| !line.trim().is_empty()).nth(index as usize).map(str::to_owned)
            } else {
                element(text, index as usize)
            };
            if let Some(lines) = record.filter(|text| text.len() <= json::MAX_BYTES).as_deref().and_then(json::lines) {
                return Some(pretty(lines, true, "", None));
            }
        }
        if text.len() > json::MAX_BYTES || ndjson {
            return None;
        }
        let lines = json::lines(text)?;
        let array = !self.alone && lines.first().is_some_and(|line| line.value.starts_with('['));
        Some(pretty(lines, !array, "", None))
    }
}

fn pretty(lines: Vec<Line>, rooted: bool, note: &str, item: Option<Value>) -> Shown {
    let (note, kind) = (note.to_owned(), String::new());
    Shown { lines, writing: "pretty", note, kind, rooted, item, starts: Vec::new() }
}

fn element(text: &str, index: usize) -> Option<String> {
    let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(text).ok()?;
    items.get(index).map(|item| item.get().to_owned())
}

impl Shown {
    /// Hides secrets; gives how many.
    pub fn mask(&mut self) -> usize {
        if let Some(item) = &self.item {
            // Names stand beside their values in OTLP, so lines alone do not tell.
            let mut hidden = item.clone();
            mask::json(&mut hidden, false);
            let lines = json::lines(&hidden.to_string()).unwrap_or_default();
            let mut count = 0;
            for (line, shown) in self.lines.iter_mut().zip(lines) {
                if line.value != shown.value {
                    line.value = shown.value.trim_matches('"').to_owned();
                    line.kind = "masked";
                    count += 1;
                }
            }
            return count;
        }
        match self.writing {
            "pretty" => self.lines.iter_mut().map(mask_line).filter(|hidden| *hidden).count(),
            "hex" => mask_hex(&mut self.lines),
            _ => mask_text(&mut self.lines),
        }
    }

    /// Marks the line at which a record failed.
    pub fn mark(&mut self, failure: &FailureRow) {
        let note = failure.code.replace('_', " ");
        match self.row_of(failure) {
            Some(row) => {
                let line = &mut self.lines[row];
                line.bad = true;
                line.note = if line.note.is_empty() { note } else { format!("{}; {note}", line.note) };
            }
            None if self.writing == "pretty" => {
                let place = self.place(failure);
                json::mark(&mut self.lines, &place, &note);
            }
            None => {}
        }
    }

    /// The line that holds the byte at fault.
    fn row_of(&self, failure: &FailureRow) -> Option<usize> {
        let offset = usize::try_from(failure.offset).ok()?;
        let row = self.starts.partition_point(|start| *start <= offset);
        row.checked_sub(1).filter(|row| *row < self.lines.len())
    }

    /// Where in what is shown a failure points.
    fn place(&self, failure: &FailureRow) -> String {
        match &self.item {
            Some(item) => otlp::pointer(item, &failure.pointer),
            None if self.rooted => failure.pointer.clone(),
            None => format!("/{}{}", failure.index, failure.pointer),
        }
    }

    pub fn line_of(&self, failure: &FailureRow) -> usize {
        if let Some(row) = self.row_of(failure) {
            return self.lines[row].number;
        }
        let place = self.place(failure);
        let mut wanted = place.as_str();
        loop {
            if let Some(line) = self.lines.iter().find(|line| line.pointer == wanted && self.writing == "pretty") {
                return line.number;
            }
            let Some(parent) = wanted.rfind('/') else { return 1 };
            wanted = &wanted[..parent];
        }
    }

    /// Marks the lines in which a text stands; gives how many.
    pub fn find(&mut self, text: &str) -> usize {
        let wanted = text.to_lowercase();
        if wanted.is_empty() {
            return 0;
        }
        let mut hits = 0;
        for line in &mut self.lines {
            line.hit = line.value.to_lowercase().contains(&wanted) || line.key.to_lowercase().contains(&wanted);
            hits += usize::from(line.hit);
        }
        hits
    }

    /// What is shown as text, a line each.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            out.push_str(&"  ".repeat(line.indent));
            if !line.key.is_empty() {
                out.push_str(&line.key);
                out.push_str(": ");
            }
            out.push_str(&line.value);
            out.push('\n');
        }
        out
    }

    pub fn excerpt(self, id: &str, href: String) -> Excerpt {
        let bad = self.lines.iter().position(|line| line.bad).unwrap_or(0);
        let first = bad.saturating_sub(AROUND);
        let all = self.lines.len();
        let lines: Vec<Line> = self.lines.into_iter().skip(first).take(2 * AROUND + 1).collect();
        let after = first + lines.len() < all;
        Excerpt { id: id.to_owned(), href, lines, writing: self.writing, before: first > 0, after }
    }
}

fn mask_line(line: &mut Line) -> bool {
    if line.kind.is_empty() {
        return false;
    }
    let plain = line.value.trim_matches('"');
    let hidden = if mask::hides_at(&line.pointer) && !plain.is_empty() && line.value != "null" {
        mask::instead(plain.chars().count())
    } else {
        let shown = mask::text(&line.value);
        if shown == line.value {
            return false;
        }
        shown.trim_matches('"').to_owned()
    };
    line.value = hidden;
    line.kind = "masked";
    true
}

/// Lines of one text: a secret may begin on one and end on another.
fn mask_text(lines: &mut [Line]) -> usize {
    let whole = lines.iter().map(|line| line.value.as_str()).collect::<Vec<_>>().join("\n");
    let found = mask::ranges(whole.as_bytes());
    if found.is_empty() {
        return 0;
    }
    let mut start = 0;
    for line in lines.iter_mut() {
        let end = start + line.value.len();
        let mut shown = String::new();
        let mut at = start;
        for range in found.iter().filter(|range| range.start < end && range.end > start) {
            shown.push_str(&whole[at..range.start.max(start)]);
            if range.start >= start {
                shown.push_str(&mask::instead(whole[range.clone()].chars().count()));
            }
            at = range.end.min(end);
        }
        if at > start {
            shown.push_str(&whole[at..end]);
            line.value = shown;
        }
        start = end + 1;
    }
    found.len()
}

/// The bytes are read back from the rows, so that nothing hidden is shown in either column.
fn mask_hex(lines: &mut [Line]) -> usize {
    let bytes: Vec<u8> = lines
        .iter()
        .flat_map(|line| {
            line.value
                .chars()
                .take(47)
                .collect::<String>()
                .split_whitespace()
                .filter_map(|hex| u8::from_str_radix(hex, 16).ok())
                .collect::<Vec<_>>()
        })
        .collect();
    let found = mask::ranges(&bytes);
    for range in &found {
        for at in range.clone() {
            let Some(line) = lines.get_mut(at / 16) else { continue };
            let mut chars: Vec<char> = line.value.chars().collect();
            let column = at % 16;
            for place in [column * 3, column * 3 + 1, 49 + column] {
                if let Some(shown) = chars.get_mut(place) {
                    *shown = '•';
                }
            }
            line.value = chars.into_iter().collect();
        }
    }
    found.len()
}

/// What bytes that are no text probably are, by how they begin.
fn guessed(bytes: &[u8]) -> &'static str {
    const BEGINNINGS: [(&[u8], &str); 11] = [
        (b"\x1f\x8b", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"PK\x03\x04", "ZIP archive"),
        (b"%PDF", "PDF"),
        (b"\x89PNG", "PNG image"),
        (b"\xff\xd8\xff", "JPEG image"),
        (b"\xff\xfe", "UTF-16 text"),
        (b"\xfe\xff", "UTF-16 text"),
        (b"UNA", "EDIFACT"),
        (b"UNB", "EDIFACT"),
        (b"ISA*", "X12"),
    ];
    BEGINNINGS.iter().find(|(start, _)| bytes.starts_with(start)).map_or("", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(form: Form, body: &[u8]) -> PayloadRow {
        PayloadRow { form: form.as_str().into(), body: body.to_vec(), ..PayloadRow::default() }
    }

    fn failure(pointer: &str, offset: i64) -> FailureRow {
        FailureRow { code: "wrong".into(), pointer: pointer.into(), offset, ..FailureRow::default() }
    }

    #[test]
    fn a_byte_at_fault_far_down_is_in_sight_and_marked() {
        let mut body = vec![b'x'; 3 << 20];
        body[2_000_000] = 0xff;
        let row = row(Form::Json, &body);
        let mut shown = Body::of(&row, None, None).lines("pretty", Some(2_000_000));
        let failed = failure("", 2_000_000);
        shown.mark(&failed);
        assert_eq!(shown.writing, "hex");
        let bad: Vec<&Line> = shown.lines.iter().filter(|line| line.bad).collect();
        assert_eq!((bad.len(), bad[0].key.as_str()), (1, "1e8480"));
        assert_eq!(shown.line_of(&failed), bad[0].number);
    }

    #[test]
    fn a_record_within_binary_is_shown_as_it_was_read() {
        let record = serde_json::json!({"traceId": "ff".repeat(16), "attributes": [{"key": "id", "value": {"stringValue": "e1"}}]});
        let text = serde_json::json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).to_string();
        let body = milepost_ingest::logs_json_to_protobuf(text.as_bytes()).expect("protobuf");
        assert!(std::str::from_utf8(&body).is_err(), "no text");
        let row = row(Form::LogsProtobuf, &body);
        let shown = |view: &str, index| Body::of(&row, index, None).lines(view, None);
        let pretty = shown("pretty", Some(0));
        assert!(pretty.writing == "pretty" && pretty.text().contains("e1"), "{}", pretty.text());
        assert_eq!(
            [shown("raw", Some(0)).writing, shown("hex", Some(0)).writing, shown("pretty", None).writing],
            ["hex"; 3]
        );
    }

    #[test]
    fn broken_json_shows_the_line_at_which_reading_ended() {
        let text = format!("{{\n{}\"b\": x\n}}", "\"a\": 1,\n".repeat(30_000));
        let offset = text.find('x').map_or(0, |at| at as i64);
        let row = row(Form::Json, text.as_bytes());
        let mut shown = Body::of(&row, None, None).lines("pretty", Some(offset));
        shown.mark(&failure("", offset));
        let bad = shown.lines.iter().find(|line| line.bad).map(|line| (line.number, line.value.clone()));
        assert_eq!(bad, Some((30_002, "\"b\": x".into())));
    }

    #[test]
    fn nothing_hidden_is_shown_in_any_view() {
        let text = r#"{"id":"e1","password":"s3cr3t pass","lines":[{"email":"anna@example.com","qty":5}]}"#;
        let row = row(Form::Json, text.as_bytes());
        for view in ["pretty", "raw", "hex"] {
            let mut shown = Body::of(&row, Some(0), None).lines(view, None);
            assert_eq!(shown.mask(), 2, "{view}");
            let said = shown.text();
            assert!(!said.contains("s3cr3t") && !said.contains("anna@") && !said.contains("73 33 63 72"), "{said}");
            if view != "hex" {
                assert!(said.contains("e1") && said.contains('5'), "{said}");
            }
        }
    }

    #[test]
    fn attributes_hide_by_the_name_beside_them() {
        let attribute = |key: &str, value: &str| serde_json::json!({"key": key, "value": {"stringValue": value}});
        let record = serde_json::json!({"attributes": [attribute("db.password", "s3cr3t"), attribute("id", "e1")]});
        let body = serde_json::json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).to_string();
        let row = row(Form::LogsJson, body.as_bytes());
        let mut shown = Body::of(&row, Some(0), None).lines("pretty", None);
        assert_eq!(shown.mask(), 1);
        assert!(!shown.text().contains("s3cr3t") && shown.text().contains("e1"));
    }

    #[test]
    fn two_hundred_thousand_lines_are_cut_and_said_to_be() {
        let text = "a line of text\n".repeat(200_000);
        let row = row(Form::Json, text.as_bytes());
        let shown = Body::of(&row, None, None).lines("pretty", None);
        assert!(shown.lines.len() <= 20_000 && shown.note.contains("download"), "{}", shown.note);
    }
}
