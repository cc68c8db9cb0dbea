//! How each source is doing.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::query::all;
use super::{Store, StoreError};

const HOUR_MS: i64 = 3_600_000;

/// A source over the last day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize, Serialize)]
pub struct SourceSummary {
    pub source: String,
    pub system: String,
    pub events: u64,
    pub records: u64,
    pub duplicates: u64,
    pub refused: u64,
    /// Spans with an error status.
    pub errors: u64,
    /// Sum over events of received - occurred, and the largest, in milliseconds.
    pub lag_sum_ms: i64,
    pub lag_max_ms: i64,
    pub last_ms: i64,
    pub hour_records: u64,
    pub hour_failed: u64,
    /// Minutes in which it sent anything, in order (Unix milliseconds).
    pub active_minutes: Vec<i64>,
    /// Minute, records, refused or failed; of the last hour, in order, only minutes with any.
    pub hour: Vec<(i64, u64, u64)>,
    pub forms: Vec<String>,
    /// Event types with their contract version, `shipment.shipped@1`.
    pub contracts: Vec<String>,
}

impl Store {
    pub async fn sources(&self, tenant: &str, now_ms: i64) -> Result<Vec<SourceSummary>, StoreError> {
        let query = self.ask(include_str!("../../queries/read/sources.sql")).param("tenant", tenant);
        all(query.param("hour_ago_ms", now_ms - HOUR_MS).param("day_ago_ms", now_ms - 24 * HOUR_MS)).await
    }
}

impl SourceSummary {
    /// How long it is usually silent between two minutes with records: nine in ten gaps are shorter. None before
    /// there is enough to tell.
    pub fn usual_gap_ms(&self) -> Option<i64> {
        let mut gaps: Vec<i64> = self.active_minutes.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        if gaps.len() < 5 { None } else { gaps.get(gaps.len() * 9 / 10).copied() }
    }
}
