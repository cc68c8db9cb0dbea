//! Alerts and the log of their deliveries.

use super::acts::ActRow;
use super::rows::{AlertRow, DeliveryRow};
use super::{Store, StoreError};

/// Of acts about deliveries.
pub const DELIVERY: &str = "delivery";

/// Somebody had a delivery made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    pub delivery: String,
    pub by: String,
    pub at_ms: i64,
}

impl Store {
    /// What was sent again, and by whom, the oldest first.
    pub async fn sent_again(&self, tenant: &str) -> Result<Vec<Again>, StoreError> {
        let rows = self.acts_on(tenant, DELIVERY).await?;
        let again = |row: ActRow| Again { delivery: row.object_id, by: row.source, at_ms: row.occurred_ms };
        Ok(rows.into_iter().map(again).collect())
    }

    /// Those that still run first.
    pub async fn alerts(&self, tenant: &str, limit: u64) -> Result<Vec<AlertRow>, StoreError> {
        let query = self.reader.query_raw(read!("alerts")).param("tenant", tenant);
        Ok(query.param("limit", limit).fetch_all().await?)
    }

    /// Every alert of all tenants: with their rounds, for a start.
    pub async fn all_alerts(&self) -> Result<Vec<AlertRow>, StoreError> {
        Ok(self.writer.query_raw(read!("alerts_running")).fetch_all().await?)
    }

    /// The newest first; in any of these states, or in all.
    pub async fn deliveries(
        &self,
        tenant: &str,
        states: &[String],
        limit: u64,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let query = self.reader.query_raw(read!("deliveries")).param("tenant", tenant).param("state", states);
        Ok(query.param("limit", limit).fetch_all().await?)
    }

    /// Of all tenants, the oldest first.
    pub async fn waiting_deliveries(&self) -> Result<Vec<DeliveryRow>, StoreError> {
        Ok(self.writer.query_raw(read!("deliveries_waiting")).fetch_all().await?)
    }

    pub async fn delivery(&self, tenant: &str, id: &str) -> Result<Option<DeliveryRow>, StoreError> {
        let query = self.reader.query_raw(read!("delivery")).param("tenant", tenant);
        Ok(query.param("id", id).fetch_optional().await?)
    }
}
