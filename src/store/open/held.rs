//! Objects that hang from nothing yet.

use clickhouse::Row;
use milepost_ingest::ObjectRef;
use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::hash;
use super::table::{Named, Table, first};
use super::words::{Word, Words};
use crate::store::cursor::Place;
use crate::store::held::HeldGroup;
use crate::store::rows::ObjectRow;

/// The columns of an object that are kept.
#[derive(Row, Deserialize)]
pub struct Seen<'a> {
    pub tenant: &'a str,
    pub object_type: &'a str,
    pub object_id: &'a str,
    pub events: u32,
    pub held_since_ms: i64,
    pub waits_for: &'a str,
    pub version: u64,
}

impl<'a> From<&'a ObjectRow> for Seen<'a> {
    fn from(row: &'a ObjectRow) -> Self {
        Self {
            tenant: &row.tenant,
            object_type: &row.object_type,
            object_id: &row.object_id,
            events: row.events,
            held_since_ms: row.held_since_ms,
            waits_for: &row.waits_for,
            version: row.version,
        }
    }
}

pub struct Waiting {
    id: Box<str>,
    kind: Word,
    missing: Word,
    events: u32,
    since_ms: i64,
    version: u64,
}

impl Named for Waiting {
    fn hash(&self) -> u64 {
        hash((&self.id, self.kind))
    }
    fn is(&self, other: &Self) -> bool {
        self.kind == other.kind && self.id == other.id
    }
    fn version(&self) -> u64 {
        self.version
    }
}

#[derive(Default)]
pub struct Held(Table<Waiting>);

impl Held {
    pub fn note(&mut self, words: &mut Words, seen: &Seen<'_>, placed: bool) {
        // Most objects never wait.
        if placed && self.0.rows().is_empty() {
            return;
        }
        let waiting = Waiting {
            id: seen.object_id.into(),
            kind: words.learn(seen.object_type),
            missing: words.learn(seen.waits_for.split('/').next().unwrap_or_default()),
            events: seen.events,
            since_ms: seen.held_since_ms,
            version: seen.version,
        };
        if placed {
            self.0.take(&waiting);
        } else {
            self.0.put(waiting);
        }
    }

    pub fn len(&self) -> usize {
        self.0.rows().len()
    }

    pub fn page(&self, words: &Words, after: Option<&Place>, limit: usize) -> Vec<ObjectRef> {
        let after = after.map(|place| (place.value, (place.kind.as_str(), place.id.as_str())));
        let names = |waiting: &Waiting| words.word(waiting.kind);
        let rows = self.0.rows().iter();
        let found = first(rows, |w| w.since_ms, |w| (words.word(w.kind), &*w.id), after, limit);
        found.into_iter().map(|waiting| ObjectRef::new(names(waiting), &*waiting.id)).collect()
    }

    pub fn groups(&self, words: &Words) -> Vec<HeldGroup> {
        let mut groups: FxHashMap<Word, HeldGroup> = FxHashMap::default();
        for waiting in self.0.rows() {
            let group = groups.entry(waiting.missing).or_insert_with(|| HeldGroup {
                waits_for: words.word(waiting.missing).to_owned(),
                objects: 0,
                events: 0,
                oldest_ms: i64::MAX,
                oldest_type: String::new(),
                oldest_id: String::new(),
            });
            group.objects += 1;
            group.events += u64::from(waiting.events);
            let kind = words.word(waiting.kind);
            if (waiting.since_ms, kind, &*waiting.id) < (group.oldest_ms, &*group.oldest_type, &*group.oldest_id) {
                group.oldest_ms = waiting.since_ms;
                group.oldest_type = kind.to_owned();
                group.oldest_id = waiting.id.to_string();
            }
        }
        let mut groups: Vec<HeldGroup> = groups.into_values().collect();
        groups.sort_by(|a, b| b.objects.cmp(&a.objects).then_with(|| a.waits_for.cmp(&b.waits_for)));
        groups
    }
}
