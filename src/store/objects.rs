//! Objects, their events, and what is held.

use clickhouse::Row;
use milepost_ingest::ObjectRef;
use serde::{Deserialize, Serialize};

use super::query::{all, split};
use super::rows::{EventRow, ObjectRow};
use super::{Store, StoreError};

/// What a number of held objects wait for.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize, Serialize)]
pub struct HeldGroup {
    pub waits_for: String,
    pub objects: u64,
    pub events: u64,
    pub oldest_ms: i64,
}

/// Where a page of held objects begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldCursor {
    pub since_ms: i64,
    pub kind: String,
    pub id: String,
}

impl Store {
    /// All events of these objects, each once, in order of business time.
    pub async fn events_of(&self, tenant: &str, objects: &[ObjectRef]) -> Result<Vec<EventRow>, StoreError> {
        let (types, ids) = split(objects);
        let query = self.ask(include_str!("../../queries/read/events_of.sql")).param("tenant", tenant);
        all(query.param("types", types).param("ids", ids)).await
    }

    pub async fn event_by_id(&self, tenant: &str, event_id: &str) -> Result<Vec<EventRow>, StoreError> {
        let query = self.ask(include_str!("../../queries/read/event_by_id.sql")).param("tenant", tenant);
        all(query.param("event_id", event_id)).await
    }

    pub async fn objects(&self, tenant: &str, objects: &[ObjectRef]) -> Result<Vec<ObjectRow>, StoreError> {
        let (types, ids) = split(objects);
        let query = self.ask(include_str!("../../queries/read/objects.sql")).param("tenant", tenant);
        all(query.param("types", types).param("ids", ids)).await
    }

    pub async fn object(&self, tenant: &str, object: &ObjectRef) -> Result<Option<ObjectRow>, StoreError> {
        Ok(self.objects(tenant, std::slice::from_ref(object)).await?.pop())
    }

    /// Objects with this number, whatever their type.
    pub async fn objects_by_id(&self, tenant: &str, id: &str) -> Result<Vec<ObjectRow>, StoreError> {
        all(self.ask(include_str!("../../queries/read/objects_by_id.sql")).param("tenant", tenant).param("id", id)).await
    }

    /// Held objects, the longest waiting first; `waits_for` may be empty.
    pub async fn held(
        &self,
        tenant: &str,
        waits_for: &str,
        after: &HeldCursor,
        limit: u64,
    ) -> Result<Vec<ObjectRow>, StoreError> {
        let query = self
            .ask(include_str!("../../queries/read/held.sql"))
            .param("tenant", tenant)
            .param("waits_for", waits_for)
            .param("after_ms", after.since_ms)
            .param("after_type", &after.kind)
            .param("after_id", &after.id)
            .param("limit", limit);
        all(query).await
    }

    pub async fn held_groups(&self, tenant: &str, limit: u64) -> Result<Vec<HeldGroup>, StoreError> {
        let query = self.ask(include_str!("../../queries/read/held_groups.sql"));
        all(query.param("tenant", tenant).param("limit", limit)).await
    }
}
