//! Objects that hang from nothing yet, and what they wait for.

use clickhouse::Row;
use clickhouse::query::Query;
use futures_util::Stream;
use milepost_ingest::ObjectRef;
use serde::{Deserialize, Serialize};

use super::open::{in_order, page};
use super::rows::ObjectRow;
use super::{Cursor, Store, StoreError, stream};

/// All that waits for a link of one type.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct HeldGroup {
    /// An object type.
    #[serde(rename = "missing")]
    pub waits_for: String,
    pub objects: u64,
    pub events: u64,
    pub oldest_ms: i64,
    /// The one that waits longest.
    pub oldest_type: String,
    pub oldest_id: String,
}

impl Store {
    /// The longest held first.
    pub async fn held(&self, tenant: &str, cursor: &Cursor, limit: u64) -> Result<Vec<ObjectRow>, StoreError> {
        let (after, most) = (cursor.resumed(), page(limit));
        if let Some(names) = self.ask_open(tenant, move |open| open.held.page(&open.words, after.as_ref(), most)).await
        {
            let name = |row: &ObjectRow| ObjectRef::new(&*row.object_type, &*row.object_id);
            if let Some(rows) = in_order(self.objects(tenant, &names).await?, &names, name, |row| row.held) {
                return Ok(rows);
            }
        }
        Ok(self.held_list(tenant, cursor, limit).fetch_all().await?)
    }

    /// The same rows in the same order, as they come.
    pub fn held_rows(
        &self,
        tenant: &str,
        limit: u64,
    ) -> impl Stream<Item = Result<Vec<ObjectRow>, StoreError>> + Send + use<> {
        stream::rows(self.held_list(tenant, &Cursor::start(), limit))
    }

    fn held_list(&self, tenant: &str, cursor: &Cursor, limit: u64) -> Query {
        let (resumed, after) = cursor.place();
        self.reader
            .query_raw(read!("held"))
            .param("tenant", tenant)
            .param("resumed", resumed)
            .param("after_value", after.value)
            .param("after_type", after.kind)
            .param("after_id", after.id)
            .param("limit", limit)
    }

    /// Most objects first.
    pub async fn held_groups(&self, tenant: &str) -> Result<Vec<HeldGroup>, StoreError> {
        if let Some(groups) = self.ask_open(tenant, |open| open.held.groups(&open.words)).await {
            return Ok(groups);
        }
        Ok(self.reader.query_raw(read!("held_groups")).param("tenant", tenant).fetch_all().await?)
    }
}
