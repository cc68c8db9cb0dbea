//! How each source is doing, and which tenants there are.

use chrono::Utc;
use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};

/// A source's last hour and day.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct SourceSummary {
    pub source: String,
    pub system: String,
    /// Doors and forms that it used, `otlp/logs`.
    pub forms: Vec<String>,
    pub hour_events: u64,
    pub hour_records: u64,
    pub hour_duplicates: u64,
    pub hour_refused: u64,
    pub hour_errors: u64,
    pub day_events: u64,
    pub day_records: u64,
    pub day_duplicates: u64,
    pub day_refused: u64,
    pub day_errors: u64,
    pub day_bytes: u64,
    /// Of received - occurred.
    pub hour_lag_avg_ms: i64,
    pub hour_lag_max_ms: i64,
    pub day_lag_avg_ms: i64,
    pub last_ms: i64,
    /// Events in each of the last 60 minutes, oldest first; the last is the running one.
    pub series: Vec<u64>,
    pub refused_series: Vec<u64>,
    /// 95 in 100 pauses between minutes with events are no longer than this; 0 when there were too few.
    pub usual_gap_ms: i64,
    /// Event types seen with their contract version, `shipment.shipped@1`.
    pub contracts: Vec<String>,
}

impl Store {
    /// Every source that sent anything in the last day.
    pub async fn sources(&self, tenant: &str) -> Result<Vec<SourceSummary>, StoreError> {
        self.sources_as_of(tenant, Utc::now().timestamp_millis()).await
    }

    pub async fn sources_as_of(&self, tenant: &str, as_of_ms: i64) -> Result<Vec<SourceSummary>, StoreError> {
        let query = self.reader.query_raw(read!("sources")).param("tenant", tenant);
        Ok(query.param("as_of_ms", as_of_ms).fetch_all().await?)
    }

    pub async fn tenants(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.reader.query_raw(read!("tenants")).fetch_all().await?)
    }
}
