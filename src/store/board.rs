//! What the board and the navigation count.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::query::all;
use super::rows::EventRow;
use super::{Store, StoreError};

/// Workflows of one definition at one stage with one status.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize, Serialize)]
pub struct StageCount {
    pub definition: String,
    pub stage: String,
    pub stage_title: String,
    pub stage_number: u8,
    pub status: String,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize, Serialize)]
pub struct ExceptionCount {
    pub exception: String,
    pub count: u64,
}

/// The small numbers beside the navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Row, Deserialize, Serialize)]
pub struct Counts {
    pub breached: u64,
    pub at_risk: u64,
    pub open: u64,
    pub held: u64,
    pub failure_groups: u64,
    pub failures: u64,
}

impl Store {
    /// Open workflows by stage and status, and those closed since a moment (Unix milliseconds).
    pub async fn stage_counts(&self, tenant: &str, closed_since_ms: i64) -> Result<Vec<StageCount>, StoreError> {
        let query = self.ask(include_str!("../../queries/read/board.sql"));
        all(query.param("tenant", tenant).param("closed_since_ms", closed_since_ms)).await
    }

    pub async fn exception_counts(&self, tenant: &str) -> Result<Vec<ExceptionCount>, StoreError> {
        all(self.ask(include_str!("../../queries/read/exception_counts.sql")).param("tenant", tenant)).await
    }

    pub async fn recent_events(&self, tenant: &str, since_ms: i64, limit: u64) -> Result<Vec<EventRow>, StoreError> {
        let query = self.ask(include_str!("../../queries/read/recent_events.sql"));
        all(query.param("tenant", tenant).param("since_ms", since_ms).param("limit", limit)).await
    }

    /// Failures are counted since a moment (Unix milliseconds).
    pub async fn counts(&self, tenant: &str, since_ms: i64) -> Result<Counts, StoreError> {
        let query = self.ask(include_str!("../../queries/read/counts.sql")).param("tenant", tenant);
        Ok(query.param("since_ms", since_ms).fetch_one::<Counts>().await?)
    }

    pub async fn tenants(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.ask(include_str!("../../queries/read/tenants.sql")).fetch_all::<String>().await?)
    }
}
