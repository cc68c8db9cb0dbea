//! Lists of workflows, their counts and facets, and one by its root.

use clickhouse::Row;
use milepost_ingest::ObjectRef;
use serde::{Deserialize, Serialize};

use super::query::all;
use super::rows::WorkflowRow;
use super::{Store, StoreError};

/// What a list of workflows is narrowed to; empty means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkflowFilter {
    pub status: Vec<String>,
    pub stage: String,
    pub definition: String,
    /// Whose turn it is.
    pub system: String,
    pub customer: String,
    pub warehouse: String,
    pub carrier: String,
    /// Kind of an open exception.
    pub exception: String,
    pub readiness: String,
    pub closed: Option<bool>,
    /// Start of the root's id, part of the customer's name, or the whole id of any member.
    pub text: String,
    /// Created from (inclusive) and to (exclusive), Unix milliseconds; 0 for no limit.
    pub from_ms: i64,
    pub to_ms: i64,
    pub sort: Sort,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// What is due first; what has no due time last.
    #[default]
    Due,
    Updated,
    Created,
}

/// Where a page begins: after this row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub place: i64,
    pub kind: String,
    pub id: String,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { place: i64::MIN, kind: String::new(), id: String::new() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize, Serialize)]
pub struct Facet {
    pub name: String,
    pub value: String,
    pub count: u64,
}

impl Sort {
    fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Updated => "updated",
            Self::Created => "created",
        }
    }

    /// The cursor that stands on a row, as the statement computes it.
    pub fn after(self, row: &WorkflowRow) -> Cursor {
        let place = match self {
            Self::Due => row.due_ms.unwrap_or(9_000_000_000_000_000),
            Self::Updated => -row.updated_ms,
            Self::Created => -row.created_ms,
        };
        Cursor { place, kind: row.root_type.clone(), id: row.root_id.clone() }
    }
}

impl Store {
    pub async fn workflows(
        &self,
        tenant: &str,
        filter: &WorkflowFilter,
        after: &Cursor,
        limit: u64,
    ) -> Result<Vec<WorkflowRow>, StoreError> {
        let query = self.filtered(include_str!("../../queries/read/workflows.sql"), tenant, filter);
        let query = query
            .param("sort", filter.sort.as_str())
            .param("after_place", after.place)
            .param("after_type", &after.kind)
            .param("after_id", &after.id)
            .param("limit", limit);
        all(query).await
    }

    pub async fn workflow_count(&self, tenant: &str, filter: &WorkflowFilter) -> Result<u64, StoreError> {
        let query = self.filtered(include_str!("../../queries/read/workflow_count.sql"), tenant, filter);
        Ok(query.fetch_one::<u64>().await?)
    }

    pub async fn workflow_facets(&self, tenant: &str, filter: &WorkflowFilter) -> Result<Vec<Facet>, StoreError> {
        all(self.filtered(include_str!("../../queries/read/workflow_facets.sql"), tenant, filter)).await
    }

    pub async fn workflow(&self, tenant: &str, root: &ObjectRef) -> Result<Option<WorkflowRow>, StoreError> {
        let query = self
            .ask(include_str!("../../queries/read/workflow.sql"))
            .param("tenant", tenant)
            .param("root_type", &root.kind)
            .param("root_id", &root.id);
        Ok(query.fetch_optional::<WorkflowRow>().await?)
    }

    fn filtered(&self, sql: &'static str, tenant: &str, filter: &WorkflowFilter) -> clickhouse::query::Query {
        let closed = filter.closed.map_or("", |closed| if closed { "true" } else { "false" });
        self.ask(sql)
            .param("tenant", tenant)
            .param("status", &filter.status)
            .param("stage", &filter.stage)
            .param("definition", &filter.definition)
            .param("system", &filter.system)
            .param("customer", &filter.customer)
            .param("warehouse", &filter.warehouse)
            .param("carrier", &filter.carrier)
            .param("exception", &filter.exception)
            .param("readiness", &filter.readiness)
            .param("closed", closed)
            .param("from_ms", filter.from_ms)
            .param("to_ms", filter.to_ms)
            .param("text", &filter.text)
    }
}
