//! Everything of a tenant, or a part of it, to write it into a file. Answers stream; the database sorts on disk where
//! memory does not hold it.

use clickhouse::Row;
use clickhouse::query::{Query, RowCursor};
use milepost_ingest::ObjectRef;
use serde::Deserialize;

use super::objects::names;
use super::rows::EventRow;
use super::{Store, StoreError};

/// What an export is narrowed to; an empty field does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportFilter {
    /// Business time at or after, and before; 0 is no limit.
    pub from_ms: i64,
    pub to_ms: i64,
    /// What happened to objects of this type.
    pub object_type: String,
    /// What happened to these objects.
    pub objects: Vec<ObjectRef>,
}

/// An object that exported events are about or name.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct ExportedObject {
    /// `type/id`
    pub object: String,
    /// Its latest event; empty when it is only named.
    pub last_type: String,
    pub last_ms: i64,
    /// Objects that its events name, `type/id`.
    pub links: Vec<String>,
}

impl Store {
    /// In the order of business time. The same event twice stands next to itself.
    pub fn export_events(&self, tenant: &str, filter: &ExportFilter) -> Result<RowCursor<EventRow>, StoreError> {
        Ok(narrowed(self.writer.query_raw(read!("export_events")), tenant, filter).fetch()?)
    }

    /// An object, and everything that its workflow is made of where it is the root of one. None when it is not known.
    pub async fn everything_of(&self, tenant: &str, object: &ObjectRef) -> Result<Option<Vec<ObjectRef>>, StoreError> {
        if let Some(row) = self.workflow(tenant, object).await? {
            return Ok(Some(row.members.iter().filter_map(|name| ObjectRef::parse(name)).collect()));
        }
        Ok(self.object(tenant, object).await?.map(|_| vec![object.clone()]))
    }

    /// By type and id.
    pub fn export_objects(&self, tenant: &str, filter: &ExportFilter) -> Result<RowCursor<ExportedObject>, StoreError> {
        Ok(narrowed(self.writer.query_raw(read!("export_objects")), tenant, filter).fetch()?)
    }
}

fn narrowed(query: Query, tenant: &str, filter: &ExportFilter) -> Query {
    query
        .param("tenant", tenant)
        .param("from_ms", filter.from_ms)
        .param("to_ms", filter.to_ms)
        .param("object_type", &filter.object_type)
        .param("objects", names(&filter.objects))
}
