//! Opens a file in its format and makes batches of its records.

use std::borrow::Cow;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::Format;
use super::lines::{Elements, Lines, Reader};
use super::map::Map;
use super::ocel::Log;
use super::record::{Batch, Line, Place, Record};
use super::split::Split;
use super::state::{Prefix, State};
use super::table::Table;

/// Events of one request: enough that its cost does not show, few enough that a restart repeats little.
const EVENTS: usize = 2_000;
const BYTES: usize = 2 << 20;
/// Records that are remembered to tell repeats within the file; the server knows of all others.
const REMEMBERED: usize = 4_000_000;

pub struct Batches {
    reader: Box<dyn Reader>,
    prefix: Prefix,
    /// Hash of source and id, to the hash of the whole record.
    seen: FxHashMap<u64, u64>,
    ended: bool,
    /// Where the last batch ended.
    resume: Place,
    /// What ends the file too early, told after what stands before it.
    trouble: Option<anyhow::Error>,
}

impl Batches {
    pub fn open(path: &Path, format: Option<Format>, map: Option<Arc<Map>>, state: &State) -> anyhow::Result<Self> {
        let from = state.resume();
        let format = match format {
            Some(format) => format,
            None => told_by(path)?,
        };
        let open = || File::open(path).with_context(|| format!("cannot read {}", path.display()));
        let reader: Box<dyn Reader> = match format {
            Format::Ndjson => {
                let mut file = open()?;
                file.seek(SeekFrom::Start(from.byte))?;
                Box::new(Lines::new(BufReader::with_capacity(1 << 18, file), from))
            }
            Format::Json => Box::new(Elements::new(BufReader::with_capacity(1 << 16, open()?), from)),
            Format::Csv => Box::new(Table::open(path, map.as_ref(), from)?),
            Format::Ocel => Box::new(Log::open(path, map.as_ref(), from)?),
        };
        Ok(Self {
            reader,
            prefix: Prefix::open(path)?,
            seen: FxHashMap::default(),
            ended: false,
            resume: from,
            trouble: None,
        })
    }

    fn add(&mut self, batch: &mut Batch, mut record: Record) {
        batch.read += 1;
        self.resume = record.resume;
        let event = match std::mem::replace(&mut record.event, Ok(Vec::new())) {
            Ok(event) => event,
            Err(flaw) => return batch.refuse(record, flaw),
        };
        if self.is_repeat(&event) {
            batch.repeats += 1;
            return;
        }
        let start = batch.body.len();
        batch.body.extend_from_slice(&event);
        batch.events.push(Line { at: record.at, bytes: start..batch.body.len(), raw: record.raw });
        batch.body.push(b'\n');
    }

    /// The same record a second time. The same id with other content is the server's to judge.
    fn is_repeat(&mut self, event: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Name<'e> {
            #[serde(borrow, default)]
            id: Cow<'e, str>,
            #[serde(borrow, default)]
            source: Cow<'e, str>,
        }
        let Ok(name) = serde_json::from_slice::<Name>(event) else { return false };
        if name.id.is_empty() {
            return false;
        }
        let key = hash_of(&(&name.source, &name.id));
        let content = hash_of(&event);
        if self.seen.len() >= REMEMBERED {
            self.seen.clear();
        }
        match self.seen.get(&key) {
            Some(known) => *known == content,
            None => {
                self.seen.insert(key, content);
                false
            }
        }
    }
}

impl Iterator for Batches {
    type Item = anyhow::Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = Batch::default();
        while !self.ended && batch.events.len() + batch.refused.len() < EVENTS && batch.body.len() < BYTES {
            match self.reader.record() {
                Ok(Some(record)) => self.add(&mut batch, record),
                Ok(None) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    self.trouble = Some(error);
                }
            }
        }
        if batch.read == 0 {
            return self.trouble.take().map(Err);
        }
        batch.resume = Some(self.resume);
        match self.prefix.up_to(self.resume.byte) {
            Ok(sha256) => batch.sha256 = sha256,
            Err(error) => return Some(Err(error.into())),
        }
        Some(Ok(batch))
    }
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// By the name, and for `.json` by the first bytes.
fn told_by(path: &Path) -> anyhow::Result<Format> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    Ok(match ending.as_str() {
        "ndjson" | "jsonl" => Format::Ndjson,
        "csv" | "tsv" => Format::Csv,
        "jsonocel" => Format::Ocel,
        "json" => {
            let mut beginning = Vec::new();
            let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            file.take(1 << 16).read_to_end(&mut beginning)?;
            let text = String::from_utf8_lossy(&beginning);
            let text = text.trim_start_matches('\u{FEFF}').trim_start();
            if text.starts_with('[') {
                Format::Json
            } else if is_log(text.as_bytes()) {
                Format::Ocel
            } else {
                Format::Ndjson
            }
        }
        _ => bail!(
            "{}: what is it? Say --format ndjson, json, csv or ocel (told by the name: .ndjson, .jsonl, .json, .csv, .tsv)",
            path.display()
        ),
    })
}

/// An object whose first array is one of OCEL's.
fn is_log(text: &[u8]) -> bool {
    let mut split = Split::new(text, |_| false);
    let ours = |section: &str| matches!(section, "events" | "objects" | "eventTypes" | "objectTypes");
    match split.element() {
        Ok(Some(element)) => ours(&element.section),
        // The first element is longer than the beginning, or all arrays are empty.
        _ => ["\"events\"", "\"objects\"", "\"eventTypes\"", "\"objectTypes\""].iter().any(|name| {
            text.strip_prefix(b"{").is_some_and(|rest| rest.trim_ascii_start().starts_with(name.as_bytes()))
        }),
    }
}
