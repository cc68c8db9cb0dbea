//! The doors' limits, each with a name. promises.md 5.5 gives the reasons for the numbers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Largest body as sent. More: 413, gRPC RESOURCE_EXHAUSTED.
    pub body_bytes: usize,
    /// Largest body after decompression. More: 413.
    pub unpacked_bytes: usize,
    /// A body may grow by this factor at most when it is decompressed. More: 413.
    pub unpack_ratio: usize,
    /// The ratio is not looked at below this size, since small texts shrink a lot.
    pub unpack_free_bytes: usize,
    /// All headers of a request together. More: 431.
    pub header_bytes: usize,
    /// Path and query of a request. More: 414.
    pub url_bytes: usize,
    /// What is kept of the value of one header.
    pub kept_header_bytes: usize,
    /// A request's headers must have come after this time, else 408.
    pub header_ms: u64,
    /// For this long a body may come as slowly as it likes.
    pub body_grace_ms: u64,
    /// After that it must have come at this rate on average, else 408 (OTLP: 503, since 408 would make senders drop it).
    pub body_rate_bytes: u64,
    /// Records a second that one key may send, 0 for any number. More: 429 with the time to wait.
    pub events_per_second: u32,
    /// How many records a key may send at once after a pause.
    pub events_burst: u32,
    /// Requests in work at the same time over all doors. More: 503 with Retry-After.
    pub requests: usize,
    /// Bytes of bodies in work at the same time over all doors. More: 503 with Retry-After.
    pub memory_bytes: usize,
    /// Open connections per port. More wait in the listen queue.
    pub connections: usize,
    /// Retry-After when the disk is full or the store far behind, in seconds; 1 for what passes sooner. It grows while the trouble lasts, and is spread so that senders do not come back together.
    pub retry_after_s: u64,
    /// Longest Retry-After before it is spread.
    pub retry_after_most_s: u64,
    /// How long an answer is given again to the same `Idempotency-Key`.
    pub idempotency_hours: u64,
    /// How many answers are remembered; the oldest go first. Events carry ids of their own, so nothing doubles then either.
    pub idempotency_keys: usize,
    /// Bytes of all remembered answers.
    pub idempotency_bytes: usize,
    /// After shutdown began, connections may finish for this long.
    pub drain_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body_bytes: 16 << 20,
            unpacked_bytes: 64 << 20,
            unpack_ratio: 100,
            unpack_free_bytes: 1 << 20,
            header_bytes: 32 << 10,
            url_bytes: 8 << 10,
            kept_header_bytes: 1 << 10,
            header_ms: 10_000,
            body_grace_ms: 5_000,
            body_rate_bytes: 1 << 10,
            events_per_second: 0,
            events_burst: 5_000,
            requests: 1_000,
            memory_bytes: 128 << 20,
            connections: 2_000,
            retry_after_s: 5,
            retry_after_most_s: 30,
            idempotency_hours: 24,
            idempotency_keys: 10_000,
            idempotency_bytes: 16 << 20,
            drain_ms: 10_000,
        }
    }
}

impl Settings {
    /// For `HttpServer::client_request_timeout`.
    pub fn header_time(&self) -> Duration {
        Duration::from_millis(self.header_ms)
    }

    pub fn drain_time(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }
}
