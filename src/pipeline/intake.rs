//! The way in: read, judge against what was seen, journal, and answer when it is on disk. Events are judged and given
//! their place in the journal under one lock, so the order of verdicts is the order of records.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use milepost_ingest::{Code, Context, Event, Reading, Refusal, Stage};
use parking_lot::Mutex;
use prost::Message;
use tokio::sync::watch;

use super::recent::{Read, Recent};
use super::record::Record;
use super::rules::{Rules, Ruling};
use super::seen::{self, Seen, Verdict};
use super::{Arrival, Form, Intake, Pressure, Taken};
use crate::journal::{Journal, JournalError};

pub struct Gate {
    pub journal: Arc<dyn Journal>,
    pub rules: Arc<Rules>,
    pub recent: Recent,
    seen: Mutex<Seen>,
    /// Bytes journalled and not yet stored.
    pub behind_bytes: AtomicU64,
    behind_limit: u64,
    open: AtomicBool,
    /// Everything below is stored and published.
    pub stored: watch::Sender<u64>,
    /// Somebody waits to see what was taken: the batch need not fill.
    pub hurry: AtomicBool,
}

impl Gate {
    pub fn new(journal: Arc<dyn Journal>, rules: Arc<Rules>, settings: &super::Settings) -> Self {
        Self {
            journal,
            rules,
            recent: Recent::new(settings.recent_bytes),
            seen: Mutex::new(Seen::new(settings.dedup_ids)),
            behind_bytes: AtomicU64::new(0),
            behind_limit: settings.behind_bytes,
            open: AtomicBool::new(true),
            stored: watch::Sender::new(0),
            hurry: AtomicBool::new(false),
        }
    }

    /// From now on everything is turned away; what is on its way is finished.
    pub fn close(&self) {
        self.open.store(false, Ordering::Release);
    }

    /// Fills in ids from before the start, as `(key, content)`.
    pub fn remember(&self, ids: impl IntoIterator<Item = (u128, u64)>) {
        let mut seen = self.seen.lock();
        for (key, content) in ids {
            if seen.judge(key, content) == Verdict::Conflict {
                tracing::debug!("an id taken since the start says something else than before it");
            }
        }
    }

    /// Remembers what stands in the journal and is not stored yet. To be called before the doors open.
    pub fn recall(&self, from: u64) -> Result<(), JournalError> {
        let mut next = from;
        loop {
            let records = self.journal.read(next, 4 << 20)?;
            let Some((last, _)) = records.last() else { return Ok(()) };
            next = last + 1;
            for (_, bytes) in records {
                let Some(read) = self.reread(bytes) else { continue };
                self.behind_bytes.fetch_add(read.record.body.len() as u64, Ordering::Relaxed);
                let tenant = &read.record.tenant;
                let events = read.reading.iter().flat_map(|r| &r.events);
                let ids: Vec<(u128, u64)> =
                    events.map(|e| (seen::key(tenant, &e.source, &e.id), seen::content(e))).collect();
                self.remember(ids);
                let letters = read.reading.iter().flat_map(|r| &r.dead_letters).filter(|letter| !letter.id.is_empty());
                let source = &read.record.source;
                self.remember(letters.map(|letter| (seen::letter_key(tenant, source, letter), letter.content)));
            }
        }
    }

    /// Reads a journal record as it was read when it came. None when it is not one of ours, which is logged.
    pub fn reread(&self, bytes: Bytes) -> Option<Read> {
        let record = match Record::decode(bytes) {
            Ok(record) => record,
            Err(error) => {
                tracing::error!(%error, "a journal record could not be decoded");
                return None;
            }
        };
        let Some(form) = Form::parse(&record.form) else {
            tracing::error!(form = record.form, "a journal record has an unknown form");
            return None;
        };
        let received_at = DateTime::<Utc>::from_timestamp_micros(record.received_us).unwrap_or_default();
        let ruling = self.ruling_of(&record);
        let mut reading = self.read(&ruling, form, &record.header_pairs(), &record.body, &record.source, received_at);
        settle(&mut reading, &record, 0);
        Some(Read { record, reading })
    }

    /// What a record was read by when it came: a restart under other rules makes nothing else of what was acknowledged.
    fn ruling_of(&self, record: &Record) -> Arc<Ruling> {
        if record.rules.is_empty() {
            return self.rules.now();
        }
        self.rules.then(&record.rules).unwrap_or_else(|error| {
            tracing::warn!(%error, "a journal record is read by the contracts and mapping of now");
            self.rules.now()
        })
    }

    /// What would be made of a payload by these contracts and this mapping. Nothing is kept.
    #[expect(clippy::result_large_err, reason = "a refusal is full of words on purpose, and it is the rare way out")]
    pub fn trial(
        &self,
        ruling: &Ruling,
        form: Form,
        headers: &[(String, String)],
        body: &Bytes,
        source: &str,
    ) -> Result<Reading, Refusal> {
        self.read(ruling, form, headers, body, source, Utc::now())
    }

    /// Takes a payload in; gives its place in the journal too.
    pub(super) async fn take_in(&self, arrival: Arrival) -> Result<(Taken, u64), Pressure> {
        if !self.open.load(Ordering::Acquire) {
            return Err(Pressure::Closed);
        }
        if self.behind_bytes.load(Ordering::Relaxed) > self.behind_limit {
            return Err(Pressure::Behind);
        }
        let now = Utc::now();
        let form = arrival.form;
        let ruling = arrival.ruling.clone().unwrap_or_else(|| self.rules.now());
        let mut reading = self.read(&ruling, form, &arrival.headers, &arrival.body, &arrival.source, now);
        let mut record = Record::of(arrival, now.timestamp_micros(), &ruling.version);
        let judged: Vec<(u128, u64)> = match &reading {
            Ok(reading) => {
                let judge = |e: &Event| (seen::key(&record.tenant, &e.source, &e.id), seen::content(e));
                reading.events.iter().map(judge).collect()
            }
            Err(_) => Vec::new(),
        };

        let (ticket, new) = {
            let mut seen = self.seen.lock();
            let mut new = Vec::with_capacity(judged.len());
            for (event, (key, content)) in reading.iter().flat_map(|r| &r.events).zip(&judged) {
                match seen.judge(*key, *content) {
                    Verdict::New => new.push(*key),
                    Verdict::Duplicate => record.duplicates.push(event.index),
                    Verdict::Conflict => record.conflicts.push(event.index),
                }
            }
            for letter in reading.iter().flat_map(|r| &r.dead_letters).filter(|letter| !letter.id.is_empty()) {
                let key = seen::letter_key(&record.tenant, &record.source, letter);
                match seen.judge(key, letter.content) {
                    Verdict::New => new.push(key),
                    _ => record.duplicates.push(letter.index),
                }
            }
            match self.journal.submit(record.encode_bytes()) {
                Ok(ticket) => (ticket, new),
                Err(error) => {
                    new.iter().for_each(|key| seen.forget(*key));
                    return Err(pressure_of(&error));
                }
            }
        };
        let offset = ticket.offset();
        let taken = settle(&mut reading, &record, offset);
        self.behind_bytes.fetch_add(record.body.len() as u64, Ordering::Relaxed);
        let body = record.body.len() as u64;
        if let Err(error) = ticket.await {
            let mut seen = self.seen.lock();
            new.iter().for_each(|key| seen.forget(*key));
            self.behind_bytes.fetch_sub(body, Ordering::Relaxed);
            return Err(pressure_of(&error));
        }
        // Only what is on disk: a record that failed must not be taken from here.
        self.recent.offer(offset, Read { record, reading });
        Ok((taken, offset))
    }

    /// Reads a body.
    #[expect(clippy::result_large_err, reason = "a refusal is full of words on purpose, and it is the rare way out")]
    fn read(
        &self,
        ruling: &Ruling,
        form: Form,
        headers: &[(String, String)],
        body: &Bytes,
        source: &str,
        received_at: DateTime<Utc>,
    ) -> Result<Reading, Refusal> {
        let (contracts, mapping, limits) = (&*ruling.contracts, &ruling.mapping, &self.rules.limits);
        let context = Context { contracts, mapping, limits, received_at, source };
        milepost_ingest::read(form, headers, body, &context)
    }
}

#[cfg(test)]
impl Gate {
    /// With a journal and rules of its own, for tests of other rooms.
    pub fn alone(dir: &std::path::Path) -> Result<Self, Box<dyn std::error::Error>> {
        let settings = crate::journal::Settings { dir: dir.join("journal"), ..crate::journal::Settings::default() };
        let journal: Arc<dyn Journal> = Arc::new(crate::journal::Segments::open(settings, 0)?.0);
        let contracts = milepost_ingest::Contracts::shipped_files().collect();
        let texts = super::Texts { contracts, mapping: String::new() };
        let rules = Arc::new(Rules::open(&dir.join("rules"), &texts, milepost_ingest::Limits::default())?);
        Ok(Self::new(journal, rules, &super::Settings::default()))
    }
}

/// Takes duplicates and conflicts out of a reading, as the record says, and sums it up for the door.
pub fn settle(reading: &mut Result<Reading, Refusal>, record: &Record, offset: u64) -> Taken {
    let payload_id = format!("{offset:x}");
    match reading {
        Err(refusal) => Taken { payload_id, unreadable: Some(refusal.clone()), ..Taken::default() },
        Ok(reading) => {
            let conflicts: Vec<Refusal> =
                reading.events.iter().filter(|e| record.conflicts.contains(&e.index)).map(conflict).collect();
            reading.events.retain(|e| !record.duplicates.contains(&e.index) && !record.conflicts.contains(&e.index));
            reading.dead_letters.retain(|letter| !record.duplicates.contains(&letter.index));
            reading.refusals.extend(conflicts);
            let refused = u32::try_from(reading.refusals.len()).unwrap_or(u32::MAX);
            let duplicates = u32::try_from(record.duplicates.len()).unwrap_or(u32::MAX);
            Taken {
                payload_id,
                accepted: reading.items.saturating_sub(refused).saturating_sub(duplicates),
                duplicates,
                repeated: record.duplicates.clone(),
                refusals: reading.refusals.clone(),
                unreadable: None,
            }
        }
    }
}

fn conflict(event: &Event) -> Refusal {
    Refusal {
        index: event.index,
        stage: Stage::Validate,
        code: Code::ConflictingDuplicate.as_str().to_owned(),
        pointer: "/id".to_owned(),
        expected: "a new id, or the same content as before".to_owned(),
        found: event.id.chars().take(200).collect(),
        detail: Code::ConflictingDuplicate.meaning().to_owned(),
        offset: None,
        hint: milepost_ingest::Hint {
            event_id: event.id.clone(),
            event_type: event.kind.clone(),
            schema_version: event.schema_version,
            source: event.source.clone(),
            object_type: event.object.kind.clone(),
            object_id: event.object.id.clone(),
        },
    }
}

fn pressure_of(error: &JournalError) -> Pressure {
    match error {
        JournalError::Closed => Pressure::Closed,
        _ => Pressure::Full,
    }
}

impl Intake for Gate {
    fn take(&self, arrival: Arrival) -> Pin<Box<dyn Future<Output = Result<Taken, Pressure>> + Send + '_>> {
        Box::pin(async { Ok(self.take_in(arrival).await?.0) })
    }
}
