//! What the pipeline reads back when something is spoken of that is in the store only: whole, however much it is, and without
//! the time limit of pages.

use clickhouse::Row;
use milepost_ingest::ObjectRef;
use serde::Deserialize;

use super::objects::names;
use super::rows::{EventRow, ObjectRow};
use super::{Store, StoreError, StoredSla};

/// What was last written of something that a workflow has.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct Mark {
    pub tenant: String,
    /// `exception`, `closed` for one that ended, `readiness` or `reconciliation`
    pub what: String,
    /// `type/id` of the workflow's root; `/` for none.
    pub root: String,
    /// An exception's id, `type/id` of what is billed; kind, `type/id` and line of a discrepancy on lines of their own.
    pub name: String,
    pub mark: u64,
}

impl Store {
    /// Those of them that are described.
    pub async fn recall_objects(&self, tenant: &str, objects: &[ObjectRef]) -> Result<Vec<ObjectRow>, StoreError> {
        let query = self.writer.query_raw(read!("objects")).param("tenant", tenant);
        Ok(query.param("objects", names(objects)).fetch_all().await?)
    }

    /// All that was said about them.
    pub async fn recall_events(&self, tenant: &str, objects: &[ObjectRef]) -> Result<Vec<EventRow>, StoreError> {
        let query = self.writer.query_raw(read!("events_of")).param("tenant", tenant);
        Ok(query.param("objects", names(objects)).param("limit", i64::MAX).fetch_all().await?)
    }

    /// Objects of which something names one of these.
    pub async fn namers(&self, tenant: &str, objects: &[ObjectRef]) -> Result<Vec<ObjectRef>, StoreError> {
        let named: Vec<String> = objects.iter().map(ToString::to_string).collect();
        let query = self.writer.query_raw(read!("namers")).param("tenant", tenant).param("names", named);
        let found: Vec<(String, String)> = query.fetch_all().await?;
        Ok(found.into_iter().map(|(kind, id)| ObjectRef::new(kind, id)).collect())
    }

    /// Every object that the workflows with these roots are made of.
    pub async fn members(&self, tenant: &str, roots: &[ObjectRef]) -> Result<Vec<ObjectRef>, StoreError> {
        let query = self.writer.query_raw(read!("members")).param("tenant", tenant).param("objects", names(roots));
        let found: Vec<String> = query.fetch_all().await?;
        Ok(found.iter().filter_map(|name| ObjectRef::parse(name)).collect())
    }

    /// What the store has of the clocks of these workflows.
    pub async fn stored_slas(&self, tenant: &str, roots: &[ObjectRef]) -> Result<Vec<StoredSla>, StoreError> {
        let query = self.writer.query_raw(read!("stored_slas")).param("tenant", tenant);
        Ok(query.param("objects", names(roots)).fetch_all().await?)
    }

    /// What the store has of their exceptions, items to bill and discrepancies.
    pub async fn marks_of(&self, tenant: &str, roots: &[ObjectRef]) -> Result<Vec<Mark>, StoreError> {
        let query = self.writer.query_raw(read!("marks_of")).param("tenant", tenant).param("objects", names(roots));
        Ok(query.fetch_all().await?)
    }
}
