//! Saved views, from what people did with them.

use super::acts::ActRow;
use super::{Store, StoreError};
use crate::domain::views::{VIEW, View, ViewAct, views};

impl Store {
    pub async fn views(&self, tenant: &str) -> Result<Vec<View>, StoreError> {
        let rows = self.acts_on(tenant, VIEW).await?;
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
