//! Payloads to the letter, and what a failed one is compared with.

use clickhouse::Row;
use serde::Deserialize;

use super::rows::{FailureRow, PayloadRow};
use super::{Store, StoreError};

/// Where a record stands that was taken as an event.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct TakenAs {
    pub payload: u64,
    pub index: u32,
    pub received_ms: i64,
    pub object_type: String,
    pub object_id: String,
}

/// What was changed, and when.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct ChangeRow {
    pub at_ms: i64,
    pub what: String,
}

impl Store {
    pub async fn payload(&self, tenant: &str, payload: u64) -> Result<Option<PayloadRow>, StoreError> {
        let query = self.reader.query_raw(read!("payload")).param("tenant", tenant);
        Ok(query.param("payload", payload).fetch_optional().await?)
    }

    /// Failures of one message by its own id, the newest first.
    pub async fn failure_attempts(
        &self,
        tenant: &str,
        source: &str,
        event_id: &str,
        limit: u64,
    ) -> Result<Vec<FailureRow>, StoreError> {
        let query =
            self.reader.query_raw(read!("failure_attempts")).param("tenant", tenant).param("failed_source", source);
        Ok(query.param("failed_id", event_id).param("limit", limit).fetch_all().await?)
    }

    /// Where an event of this id was taken.
    pub async fn taken_as(&self, tenant: &str, source: &str, event_id: &str) -> Result<Option<TakenAs>, StoreError> {
        let query = self.reader.query_raw(read!("taken_as")).param("tenant", tenant).param("taken_source", source);
        Ok(query.param("taken_id", event_id).fetch_optional().await?)
    }

    /// The last event of a type from a source, other than those of one payload.
    pub async fn last_good(
        &self,
        tenant: &str,
        event_type: &str,
        source: &str,
        payload: u64,
        since_ms: i64,
    ) -> Result<Option<TakenAs>, StoreError> {
        let query = self.reader.query_raw(read!("last_good")).param("tenant", tenant).param("taken_type", event_type);
        let query = query.param("taken_source", source).param("payload", payload).param("since_ms", since_ms);
        Ok(query.fetch_optional().await?)
    }

    /// Changes of the set-up since a moment, the newest first.
    pub async fn changes(&self, tenant: &str, since_ms: i64, limit: u64) -> Result<Vec<ChangeRow>, StoreError> {
        let query = self.reader.query_raw(read!("changes")).param("tenant", tenant).param("since_ms", since_ms);
        Ok(query.param("limit", limit).fetch_all().await?)
    }
}
