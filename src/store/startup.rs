//! What the pipeline asks when it starts: what is open, what was taken last, where versions go on.
//! Answers may be large, so they stream, and without the time limit of pages.

use chrono::Utc;
use clickhouse::Row;
use clickhouse::query::RowCursor;
use serde::Deserialize;

use super::rows::{EventRow, ObjectRow};
use super::{Store, StoreError};

/// An id taken before, and what it stood for.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct RecentId {
    pub tenant: String,
    pub source: String,
    pub event_id: String,
    /// `EventRow::content` of its event.
    pub content: u64,
}

impl Store {
    /// Every object, of all tenants, that is held or belongs to a workflow that is not closed.
    pub fn open_objects(&self) -> Result<RowCursor<ObjectRow>, StoreError> {
        Ok(self.writer.query_raw(read!("open_objects")).fetch()?)
    }

    /// Every event of such objects, those of one object together and in the order in which they happened.
    pub fn open_events(&self) -> Result<RowCursor<EventRow>, StoreError> {
        Ok(self.writer.query_raw(read!("open_events")).fetch()?)
    }

    /// Tenant and name (`type/id`) of every other object: what is known of it is in the store only.
    pub async fn closed_objects(&self) -> Result<Vec<(String, String)>, StoreError> {
        Ok(self.writer.query_raw(read!("closed_objects")).fetch_all().await?)
    }

    /// Of all tenants, received last, the newest first.
    pub async fn recent_ids(&self, limit: u64) -> Result<Vec<RecentId>, StoreError> {
        const BACK_DAYS: [i64; 3] = [1, 7, 1_000_000];
        let now = Utc::now().timestamp_millis();
        let mut ids = Vec::new();
        for days in BACK_DAYS {
            let since = (now - days * 86_400_000).max(0);
            let query = self.writer.query_raw(read!("recent_ids")).param("since_ms", since);
            ids = query.param("limit", limit).fetch_all().await?;
            if ids.len() as u64 >= limit {
                break;
            }
        }
        Ok(ids)
    }

    /// The highest version that any snapshot has; 0 when there is none.
    pub async fn max_version(&self) -> Result<u64, StoreError> {
        Ok(self.writer.query_raw(read!("max_version")).fetch_one().await?)
    }
}
