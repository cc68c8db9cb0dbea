//! What people did with things that are no business objects: groups of failures, views, deliveries.

use clickhouse::Row;
use serde::Deserialize;

use super::{Store, StoreError};

#[derive(Row, Deserialize)]
pub(super) struct ActRow {
    pub object_id: String,
    pub occurred_ms: i64,
    pub event_id: String,
    pub event_type: String,
    pub source: String,
    pub data: String,
}

impl Store {
    /// On objects of one type, in the order in which it was done.
    pub(super) async fn acts_on(&self, tenant: &str, object_type: &str) -> Result<Vec<ActRow>, StoreError> {
        let query = self.reader.query_raw(read!("acts_on")).param("tenant", tenant);
        Ok(query.param("object_type", object_type).fetch_all().await?)
    }
}
