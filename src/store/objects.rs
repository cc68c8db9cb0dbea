//! Objects and what was said about them.

use clickhouse::Row;
use milepost_ingest::ObjectRef;
use serde::{Deserialize, Serialize};

use super::rows::{EventRow, ObjectRow};
use super::{Cursor, Store, StoreError};

/// What a list of objects is narrowed to; an empty field does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectFilter {
    pub object_type: String,
    pub state: String,
    /// How the id begins; case does not matter.
    pub text: String,
}

/// Objects of a type in a state.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct ObjectCount {
    pub object_type: String,
    pub state: String,
    #[serde(rename = "n")]
    pub count: u64,
    pub held: u64,
}

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

    /// The latest event first.
    pub async fn objects_list(
        &self,
        tenant: &str,
        filter: &ObjectFilter,
        cursor: &Cursor,
        limit: u64,
    ) -> Result<Vec<ObjectRow>, StoreError> {
        let (resumed, after) = cursor.place();
        let query = self.reader.query_raw(read!("objects_list")).param("tenant", tenant);
        let query = query
            .param("object_type", &filter.object_type)
            .param("object_state", &filter.state)
            .param("text", &filter.text)
            .param("resumed", resumed)
            .param("after_value", after.value)
            .param("after_type", after.kind)
            .param("after_id", after.id);
        Ok(query.param("limit", limit).fetch_all().await?)
    }

    /// Most first.
    pub async fn object_counts(&self, tenant: &str) -> Result<Vec<ObjectCount>, StoreError> {
        Ok(self.reader.query_raw(read!("object_counts")).param("tenant", tenant).fetch_all().await?)
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
