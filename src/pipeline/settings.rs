//! The pipeline's limits, each with a name.

use serde::{Deserialize, Serialize};

/// Limits of the pipeline, each with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long a batch may fill before it is stored, in milliseconds.
    pub flush_ms: u64,
    /// Rows after which a batch is stored.
    pub flush_rows: usize,
    /// Payload bytes after which a batch is stored.
    pub flush_bytes: u64,
    /// Requests after which a batch is stored.
    pub flush_records: u64,
    /// Event ids that are remembered to tell duplicates at the door.
    pub dedup_ids: usize,
    /// Bytes that may wait in the journal for the store before senders are asked to wait.
    pub behind_bytes: u64,
    /// Objects of one tenant kept in memory; beyond that the longest closed workflows are read back only when needed.
    pub resident_objects: usize,
    /// Milliseconds after a start before everything open is read into memory, in the background. Until then each workflow
    /// is read back when something is said about it or its time has come.
    pub memory_after_ms: u64,
    /// Memory for readings on their way from the doors to the store.
    pub recent_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flush_ms: 300,
            flush_rows: 30_000,
            flush_bytes: 16 << 20,
            flush_records: 20_000,
            dedup_ids: 1_000_000,
            behind_bytes: 16 << 30,
            resident_objects: 200_000,
            memory_after_ms: 0,
            recent_bytes: 32 << 20,
        }
    }
}
