//! Objects and what was said about them.

use milepost_ingest::ObjectRef;

use super::rows::{EventRow, ObjectRow};
use super::{Store, StoreError};

/// No workflow page shows more; an order that has more is the sign of a loop at a sender.
const EVENTS_LIMIT: u64 = 100_000;

impl Store {
    /// All events of these objects, in the order in which they happened.
    pub async fn events_of(&self, tenant: &str, objects: &[ObjectRef]) -> Result<Vec<EventRow>, StoreError> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let query = self.reader.query_raw(read!("events_of")).param("tenant", tenant);
        Ok(query.param("objects", names(objects)).param("limit", EVENTS_LIMIT).fetch_all().await?)
    }

    pub async fn object(&self, tenant: &str, object: &ObjectRef) -> Result<Option<ObjectRow>, StoreError> {
        let query = self.reader.query_raw(read!("object")).param("tenant", tenant);
        Ok(query.param("object_type", &object.kind).param("object_id", &object.id).fetch_optional().await?)
    }

    /// Those of them that are known, sorted by type and id.
    pub async fn objects(&self, tenant: &str, objects: &[ObjectRef]) -> Result<Vec<ObjectRow>, StoreError> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let query = self.reader.query_raw(read!("objects")).param("tenant", tenant);
        Ok(query.param("objects", names(objects)).fetch_all().await?)
    }
}

pub(super) fn names(objects: &[ObjectRef]) -> Vec<(&str, &str)> {
    objects.iter().map(|object| (object.kind.as_str(), object.id.as_str())).collect()
}
