//! CSV: rows become events by a map, or, where `milepost export` wrote the file, by its own columns.

use std::collections::VecDeque;
use std::fs::File;
use std::io::SeekFrom;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use csv::{ReaderBuilder, StringRecord};
use serde_json::{Map as Fields, Value, json};

use super::columns::{CellFlaw, Columns, Row};
use super::lines::Reader;
use super::map::{Csv, EventMap, Map};
use super::record::{Flaw, Place, Record};
use crate::transfer::export::table as own;

pub struct Table {
    rows: csv::Reader<File>,
    how: How,
    width: usize,
    ready: VecDeque<Record>,
    ended: bool,
}

enum How {
    Mapped { csv: Csv, maps: Vec<(EventMap, Option<Pending>)> },
    Own(own::Columns),
}

/// An event whose lines are still coming.
struct Pending {
    id: String,
    event: Fields<String, Value>,
    lines: Vec<Value>,
    at: Place,
    raw: String,
}

impl Table {
    pub fn open(path: &Path, map: Option<&Arc<Map>>, from: Place) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let by_name = if path.extension().is_some_and(|e| e == "tsv") { b'\t' } else { b',' };
        let csv = map.map(|m| m.csv.clone()).unwrap_or_default();
        let delimiter = if csv.delimiter == ',' { by_name } else { csv.delimiter as u8 };
        let mut rows = ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(true)
            .buffer_capacity(1 << 16)
            .from_reader(file);
        let mut head = rows.headers().with_context(|| format!("{}: the head of the table", path.display()))?.clone();
        if let Some(first) = head.get(0).and_then(|first| first.strip_prefix('\u{FEFF}')) {
            head = std::iter::once(first).chain(head.iter().skip(1)).collect();
        }
        let how = match map.filter(|m| !m.events.is_empty()) {
            Some(map) => {
                let mut maps = Vec::new();
                for event in &map.events {
                    let mut columns = event.columns.clone();
                    if let Err(what) = columns.find(&head) {
                        bail!("{}: {what}", path.display());
                    }
                    maps.push((event.with(columns), None));
                }
                How::Mapped { csv, maps }
            }
            None => match own::Columns::find(&head) {
                Some(columns) => How::Own(columns),
                None => bail!(
                    "{}: these columns are not those of `milepost export`; say with --map FILE what they mean \
                     (docs/import-export.md)",
                    path.display()
                ),
            },
        };
        if from.byte > 0 {
            let mut position = csv::Position::new();
            position.set_byte(from.byte).set_line(from.line);
            rows.seek_raw(SeekFrom::Start(from.byte), position)?;
        }
        Ok(Self { rows, how, width: head.len(), ready: VecDeque::new(), ended: false })
    }

    fn row(&mut self) -> anyhow::Result<bool> {
        let mut cells = StringRecord::new();
        let start = self.here();
        let read = self.rows.read_record(&mut cells);
        let at = match cells.position() {
            Some(p) => Place { line: p.line(), column: 1, byte: p.byte() },
            None => start,
        };
        let after = self.here();
        match read {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(error) => match error.kind() {
                csv::ErrorKind::Utf8 { err, .. } => {
                    let flaw = Flaw {
                        code: "invalid_utf8",
                        line: start.line,
                        column: err.field() as u64 + 1,
                        detail: format!("Column {} is not UTF-8.", err.field() + 1),
                    };
                    self.ready.push_back(Record {
                        at: start,
                        resume: after,
                        event: Err(flaw),
                        raw: Some(String::new()),
                    });
                    return Ok(true);
                }
                _ => return Err(error.into()),
            },
        }
        let raw = || cells.iter().collect::<Vec<_>>().join(",");
        if cells.len() != self.width {
            let detail = format!("Expected {} columns as in the head, found {}.", self.width, cells.len());
            let flaw = Flaw { code: "wrong_columns", line: at.line, column: 1, detail };
            self.ready.push_back(Record { at, resume: after, event: Err(flaw), raw: Some(raw()) });
            return Ok(true);
        }
        match &mut self.how {
            How::Own(columns) => {
                let event = columns.event(&cells).map_err(|(column, detail)| place(CellFlaw { column, detail }, at));
                self.ready.push_back(Record { at, resume: after, event, raw: Some(raw()) });
            }
            How::Mapped { csv, maps } => {
                let mut matched = false;
                let mut made = Vec::new();
                for (map, pending) in maps.iter_mut() {
                    let row = Row { cells: &cells, columns: &map.columns, csv };
                    if !map.applies(&row) {
                        continue;
                    }
                    matched = true;
                    match map.event(&row) {
                        Err(flaw) => made.push((at, Err(place(flaw, at)), raw())),
                        Ok((id, event, line)) => match (&map.lines, pending.as_mut()) {
                            (None, _) => made.push((at, Ok(Value::Object(event).to_string().into_bytes()), raw())),
                            (Some(_), Some(open)) if open.id == id => {
                                open.lines.extend(line);
                                open.raw.push('\n');
                                open.raw.push_str(&raw());
                            }
                            (Some(_), _) => {
                                let new = Pending { id, event, lines: line.into_iter().collect(), at, raw: raw() };
                                if let Some(whole) = pending.replace(new) {
                                    made.push(whole.finish());
                                }
                            }
                        },
                    }
                }
                if !matched {
                    let detail = "No [[event]] of the map applies to this row.".to_owned();
                    let flaw = Flaw { code: "unmapped_row", line: at.line, column: 1, detail };
                    made.push((at, Err(flaw), raw()));
                }
                // What is still open must be read again after a restart.
                let open = maps.iter().filter_map(|(_, p)| p.as_ref().map(|p| p.at));
                let resume = open.min_by_key(|at| at.byte).unwrap_or(after);
                self.ready.extend(made.into_iter().map(|(at, event, raw)| Record {
                    at,
                    resume,
                    event,
                    raw: Some(raw),
                }));
            }
        }
        Ok(true)
    }

    fn here(&self) -> Place {
        let position = self.rows.position();
        Place { line: position.line(), column: 1, byte: position.byte() }
    }
}

impl Reader for Table {
    fn record(&mut self) -> anyhow::Result<Option<Record>> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Ok(Some(record));
            }
            if self.ended {
                return Ok(None);
            }
            if !self.row()? {
                self.ended = true;
                let resume = self.here();
                if let How::Mapped { maps, .. } = &mut self.how {
                    let left = maps.iter_mut().filter_map(|(_, pending)| pending.take());
                    let left = left.map(Pending::finish);
                    self.ready.extend(left.map(|(at, event, raw)| Record { at, resume, event, raw: Some(raw) }));
                }
            }
        }
    }
}

impl Pending {
    fn finish(mut self) -> (Place, Result<Vec<u8>, Flaw>, String) {
        if let Some(Value::Object(data)) = self.event.get_mut("data") {
            data.insert("lines".to_owned(), Value::Array(self.lines));
        }
        (self.at, Ok(Value::Object(self.event).to_string().into_bytes()), self.raw)
    }
}

fn place(flaw: CellFlaw, at: Place) -> Flaw {
    Flaw { code: "unreadable_cell", line: at.line, column: flaw.column.max(1), detail: flaw.detail }
}

impl EventMap {
    fn with(&self, columns: Columns) -> Self {
        Self {
            when: self.when.clone(),
            id: self.id.clone(),
            kind: self.kind.clone(),
            version: self.version,
            source: self.source.clone(),
            system: self.system.clone(),
            time: self.time.clone(),
            object: self.object.clone(),
            refs: self.refs.clone(),
            data: self.data.clone(),
            lines: self.lines.clone(),
            columns,
        }
    }

    fn applies(&self, row: &Row) -> bool {
        self.when.iter().all(|(column, values)| {
            let number = self.columns.number_of(column);
            number.is_some_and(|n| values.iter().any(|v| v == self.columns.cell(row.cells, n)))
        })
    }

    /// Id, event and line of a row.
    #[expect(clippy::type_complexity, reason = "three parts, named right above, used once")]
    fn event(&self, row: &Row) -> Result<(String, Fields<String, Value>, Option<Value>), CellFlaw> {
        let need = |text: &super::columns::Text, what| text.of(row).ok_or_else(|| text.missing(row, what));
        let id = need(&self.id, "id")?;
        let kind = need(&self.kind, "type")?;
        let object = need(&self.object, "object")?;
        let time = self.time.time(row)?.ok_or_else(|| self.time.missing(row, "time"))?;
        let mut event = Fields::new();
        event.insert("id".to_owned(), id.clone().into());
        event.insert("type".to_owned(), kind.into());
        event.insert("object".to_owned(), object.into());
        event.insert("time".to_owned(), time.into());
        if let Some(version) = self.version {
            event.insert("schema_version".to_owned(), version.into());
        }
        for (name, text) in [("source", &self.source), ("system", &self.system)] {
            if let Some(said) = text.of(row) {
                event.insert(name.to_owned(), said.into());
            }
        }
        let mut refs: std::collections::BTreeMap<String, Vec<String>> = Default::default();
        for link in self.refs.iter().filter_map(|r| r.of(row)) {
            if let Some((kind, id)) = link.split_once('/') {
                refs.entry(kind.to_owned()).or_default().push(id.to_owned());
            }
        }
        event.insert("refs".to_owned(), json!(refs));
        event.insert("data".to_owned(), self.data.of(row)?.unwrap_or_else(|| json!({})));
        let line = match &self.lines {
            Some(lines) => lines.of(row)?,
            None => None,
        };
        Ok((id, event, line))
    }
}
