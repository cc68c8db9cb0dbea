//! Readings that the doors made moments ago, so that the pipeline need not read the same bytes again. A cache only:
//! what does not fit is read from the journal.

use std::collections::BTreeMap;

use milepost_ingest::{Reading, Refusal};
use parking_lot::Mutex;

use super::record::Record;

/// A record together with what was read from it.
pub struct Read {
    pub record: Record,
    pub reading: Result<Reading, Refusal>,
}

pub struct Recent {
    kept: Mutex<Kept>,
    limit_bytes: usize,
}

#[derive(Default)]
struct Kept {
    reads: BTreeMap<u64, Read>,
    bytes: usize,
}

impl Recent {
    pub fn new(limit_bytes: usize) -> Self {
        Self { kept: Mutex::default(), limit_bytes }
    }

    /// Keeps a reading if there is room.
    pub fn offer(&self, offset: u64, read: Read) {
        let mut kept = self.kept.lock();
        let bytes = weight(&read);
        if kept.bytes + bytes <= self.limit_bytes {
            kept.bytes += bytes;
            kept.reads.insert(offset, read);
        }
    }

    /// Takes the reading of a record out, and drops older ones that nobody will ask for.
    pub fn take(&self, offset: u64) -> Option<Read> {
        let mut kept = self.kept.lock();
        while kept.reads.first_key_value().is_some_and(|(first, _)| *first < offset) {
            if let Some((_, old)) = kept.reads.pop_first() {
                kept.bytes -= weight(&old);
            }
        }
        let read = kept.reads.remove(&offset)?;
        kept.bytes -= weight(&read);
        Some(read)
    }
}

/// Rough size in memory: decoded records weigh several times their bytes.
fn weight(read: &Read) -> usize {
    read.record.body.len() * 5 + 512
}
