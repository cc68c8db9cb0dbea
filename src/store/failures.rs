//! Refused records: one by one, by cause, and of one payload.

use chrono::Utc;
use clickhouse::Row;
use clickhouse::query::Query;
use serde::{Deserialize, Serialize};

use super::rows::FailureRow;
use super::{Cursor, Store, StoreError};

/// What a list is narrowed to; an empty field does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FailureFilter {
    pub fingerprint: Option<u64>,
    pub stage: String,
    pub code: String,
    pub source: String,
    pub event_type: String,
    /// How the object's id begins, an event's id, or a part of the sentence.
    pub text: String,
    /// Received at or after, and before; 0 is no limit.
    pub from_ms: i64,
    pub to_ms: i64,
}

/// Refusals of one cause, with the latest as an example.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct FailureGroup {
    pub fingerprint: u64,
    pub stage: String,
    pub code: String,
    pub pointer: String,
    pub source: String,
    pub event_type: String,
    pub expected: String,
    pub found: String,
    pub detail: String,
    #[serde(rename = "n")]
    pub count: u64,
    pub last_hour: u64,
    /// Distinct objects that the refused records name.
    pub objects: u64,
    pub first_ms: i64,
    pub last_ms: i64,
    pub example_payload: u64,
    pub example_index: u32,
}

/// No payload page lists more; the limits at the door let no payload have more records.
const OF_PAYLOAD_LIMIT: u64 = 100_000;

impl Store {
    /// The newest first.
    pub async fn failures(
        &self,
        tenant: &str,
        filter: &FailureFilter,
        cursor: &Cursor,
        limit: u64,
    ) -> Result<Vec<FailureRow>, StoreError> {
        let (resumed, after) = cursor.place();
        let query = narrowed(self.reader.query_raw(read!("failures")), tenant, filter)
            .param("resumed", resumed)
            .param("after_payload", after.value as u64)
            .param("after_index", after.id.parse::<u32>().unwrap_or(0))
            .param("limit", limit);
        Ok(query.fetch_all().await?)
    }

    /// The cause seen last first.
    pub async fn failure_groups(
        &self,
        tenant: &str,
        filter: &FailureFilter,
        limit: u64,
    ) -> Result<Vec<FailureGroup>, StoreError> {
        let query = narrowed(self.reader.query_raw(read!("failure_groups")), tenant, filter)
            .param("as_of_ms", Utc::now().timestamp_millis())
            .param("limit", limit);
        Ok(query.fetch_all().await?)
    }

    /// In the order of their place in the payload.
    pub async fn failures_of(&self, tenant: &str, payload: u64) -> Result<Vec<FailureRow>, StoreError> {
        let query = self.reader.query_raw(read!("failures_of")).param("tenant", tenant);
        Ok(query.param("payload", payload).param("limit", OF_PAYLOAD_LIMIT).fetch_all().await?)
    }
}

fn narrowed(query: Query, tenant: &str, filter: &FailureFilter) -> Query {
    query
        .param("tenant", tenant)
        .param("fingerprint", filter.fingerprint.unwrap_or(0))
        .param("stage", &filter.stage)
        .param("code", &filter.code)
        .param("source", &filter.source)
        .param("event_type", &filter.event_type)
        .param("text", &filter.text)
        .param("from_ms", filter.from_ms)
        .param("to_ms", filter.to_ms)
}
