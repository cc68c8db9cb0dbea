//! Saved views, from what people did with them.

use clickhouse::Row;
use serde::Deserialize;

use super::{Store, StoreError};
use crate::domain::views::{VIEW, View, ViewAct, views};

#[derive(Row, Deserialize)]
struct ActRow {
    object_id: String,
    occurred_ms: i64,
    #[expect(dead_code, reason = "the statement is shared")]
    event_id: String,
    event_type: String,
    source: String,
    data: String,
}

impl Store {
    pub async fn views(&self, tenant: &str) -> Result<Vec<View>, StoreError> {
        let query = self.reader.query_raw(read!("acts_on")).param("tenant", tenant).param("object_type", VIEW);
        let rows: Vec<ActRow> = query.fetch_all().await?;
        let act = |row: ActRow| ViewAct {
            view: row.object_id,
            kind: row.event_type,
            by: row.source,
            at_ms: row.occurred_ms,
            data: serde_json::from_str(&row.data).unwrap_or_default(),
        };
        let acts: Vec<ViewAct> = rows.into_iter().map(act).collect();
        Ok(views(&acts))
    }
}
