//! What a start reads: ids taken before, everything open, and which objects stay in the store.

use clickhouse::Row;
use clickhouse::query::RowCursor;
use serde::Deserialize;

use super::query::all;
use super::rows::EventRow;
use super::{Store, StoreError};

/// An event taken before, and a hash of what it said.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct RecentId {
    pub tenant: String,
    pub source: String,
    pub event_id: String,
    pub content: u64,
}

impl Store {
    pub async fn max_version(&self) -> Result<u64, StoreError> {
        Ok(self.ask(include_str!("../../queries/read/max_version.sql")).fetch_one::<u64>().await?)
    }

    /// The ids of the events taken last.
    pub async fn recent_ids(&self, limit: u64) -> Result<Vec<RecentId>, StoreError> {
        all(self.ask(include_str!("../../queries/read/recent_ids.sql")).param("limit", limit)).await
    }

    /// Events of everything open, as a stream in no order.
    pub fn open_events(&self) -> Result<RowCursor<EventRow>, StoreError> {
        Ok(self.ask(include_str!("../../queries/read/open_events.sql")).fetch::<EventRow>()?)
    }

    /// Tenant and `type/id` of every object that is not open.
    pub async fn closed_objects(&self) -> Result<Vec<(String, String)>, StoreError> {
        all(self.ask(include_str!("../../queries/read/closed_objects.sql"))).await
    }
}
