//! Refused records, one by one and by cause.

use clickhouse::Row;
use milepost_ingest::ObjectRef;
use serde::{Deserialize, Serialize};

use super::query::{all, split};
use super::rows::FailureRow;
use super::{Store, StoreError};

/// What a list of failures is narrowed to; empty or 0 means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailureFilter {
    pub fingerprint: u64,
    pub source: String,
    pub code: String,
    pub stage: String,
    /// Received since (Unix milliseconds).
    pub since_ms: i64,
}

/// Failures of one cause.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize, Serialize)]
pub struct FailureGroup {
    pub fingerprint: u64,
    pub stage: String,
    pub code: String,
    /// Of one of them; array positions differ within a group.
    pub pointer: String,
    pub expected: String,
    pub detail: String,
    pub source: String,
    pub event_type: String,
    pub count: u64,
    pub last_hour: u64,
    /// Objects that they name.
    pub objects: u64,
    pub first_ms: i64,
    pub last_ms: i64,
    pub example_payload: u64,
    pub example_index: u32,
    /// The most frequent values found.
    pub found: Vec<String>,
}

impl Store {
    /// Newest first; a page begins before `(payload, index)`, the first one before `None`.
    pub async fn failures(
        &self,
        tenant: &str,
        filter: &FailureFilter,
        before: Option<(u64, u32)>,
        limit: u64,
    ) -> Result<Vec<FailureRow>, StoreError> {
        let (payload, index) = before.unwrap_or((u64::MAX, u32::MAX));
        let query = self
            .ask(include_str!("../../queries/read/failures.sql"))
            .param("tenant", tenant)
            .param("fingerprint", filter.fingerprint)
            .param("source", &filter.source)
            .param("code", &filter.code)
            .param("stage", &filter.stage)
            .param("since_ms", filter.since_ms)
            .param("before_payload", payload)
            .param("before_index", index)
            .param("limit", limit);
        all(query).await
    }

    /// Groups with failures since a moment; `hour_ago_ms` is where the last hour begins.
    pub async fn failure_groups(
        &self,
        tenant: &str,
        fingerprint: Option<u64>,
        since_ms: i64,
        hour_ago_ms: i64,
        limit: u64,
    ) -> Result<Vec<FailureGroup>, StoreError> {
        let query = self
            .ask(include_str!("../../queries/read/failure_groups.sql"))
            .param("tenant", tenant)
            .param("fingerprint", fingerprint.unwrap_or(0))
            .param("since_ms", since_ms)
            .param("hour_ago_ms", hour_ago_ms)
            .param("limit", limit);
        all(query).await
    }

    pub async fn failures_of(&self, tenant: &str, payload: u64) -> Result<Vec<FailureRow>, StoreError> {
        let query = self.ask(include_str!("../../queries/read/failures_of.sql"));
        all(query.param("tenant", tenant).param("payload", payload)).await
    }

    pub async fn failures_on(&self, tenant: &str, objects: &[ObjectRef], limit: u64) -> Result<Vec<FailureRow>, StoreError> {
        let (types, ids) = split(objects);
        let query = self.ask(include_str!("../../queries/read/failures_on.sql")).param("tenant", tenant);
        all(query.param("types", types).param("ids", ids).param("limit", limit)).await
    }
}
