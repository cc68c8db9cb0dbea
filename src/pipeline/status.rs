//! What the pipeline says about itself, for /readyz and /metrics.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};

#[derive(Debug, Default)]
pub struct Status {
    /// The clocks run, and what comes in is followed.
    pub loaded: AtomicBool,
    /// Everything open is in memory and was judged by the rules of now.
    pub remembered: AtomicBool,
    pub store_up: AtomicBool,
    pub stored_events: AtomicU64,
    pub objects: AtomicU64,
    pub clocks: AtomicU64,
    pub behind_records: AtomicU64,
    /// Everything received before this moment is in the store (Unix milliseconds).
    pub stored_ms: AtomicI64,
}
