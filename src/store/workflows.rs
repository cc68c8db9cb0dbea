//! Workflows for lists: a page of them, their number, what they can be narrowed by, and one.

use clickhouse::Row;
use clickhouse::query::Query;
use futures_util::Stream;
use milepost_ingest::ObjectRef;
use serde::{Deserialize, Serialize};

use super::open::{Names, Tenant, in_order, page};
use super::rows::WorkflowRow;
use super::{Cursor, Freezable, Store, StoreError, stream};

/// Workflows of the roots of one page.
const ROOTS_LIMIT: u64 = 100_000;

/// What a list is narrowed to; an empty field does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkflowFilter {
    /// Any of these.
    pub status: Vec<String>,
    pub stage: String,
    pub definition: String,
    /// The system whose turn it is.
    pub system: String,
    pub customer: String,
    pub warehouse: String,
    pub carrier: String,
    /// Kind of an open exception.
    pub exception: String,
    pub readiness: String,
    /// How the id of the root or of any object in it begins, or a part of the customer's name; case does not matter.
    pub text: String,
    /// Created at or after, and before; 0 is no limit.
    pub from_ms: i64,
    pub to_ms: i64,
    pub closed: Option<bool>,
    pub sort: Sort,
}

impl WorkflowFilter {
    /// Leaves closed ones out, also of facets, where only statuses are asked for that they do not have.
    #[must_use]
    pub fn plain(self) -> Self {
        Self { closed: self.closed.or_else(|| self.asks_for_open().then_some(false)), ..self }
    }

    /// Only statuses that closed workflows do not have.
    fn asks_for_open(&self) -> bool {
        const OPEN: [&str; 4] = ["breached", "at_risk", "blocked", "on_track"];
        !self.status.is_empty() && self.status.iter().all(|status| OPEN.contains(&status.as_str()))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// What falls due first; what never does comes last.
    #[default]
    Due,
    /// Changed last.
    Updated,
    /// Created last.
    Created,
}

impl Sort {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Updated => "updated",
            Self::Created => "created",
        }
    }
}

/// A value that a property has, and how many workflows a list narrowed to it would show.
/// Names: `status`, `stage`, `definition`, `system`, `customer`, `warehouse`, `carrier`, `readiness`, `exception`.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Facet {
    pub name: String,
    pub value: String,
    #[serde(rename = "n")]
    pub count: u64,
}

/// What the workflows of one currency are worth.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct CurrencyTotal {
    pub currency: String,
    #[serde(rename = "n")]
    pub count: u64,
    /// Millionths.
    pub total: i128,
}

impl Store {
    pub async fn workflows(
        &self,
        tenant: &str,
        filter: &WorkflowFilter,
        cursor: &Cursor,
        limit: u64,
    ) -> Result<Vec<WorkflowRow>, StoreError> {
        let (asked, after, most) = (filter.clone(), cursor.resumed(), page(limit));
        let found =
            self.if_open(tenant, filter, move |open| open.flows.page(&open.words, &asked, after.as_ref(), most));
        let Some(names) = found.await else {
            let rows = self.listed(tenant, filter, cursor, limit).fetch_all().await?;
            return Ok(self.owned(rows, tenant));
        };
        let roots: Vec<ObjectRef> = names.iter().map(|n| ObjectRef::new(&*n.kind, &*n.id)).collect();
        // An object may be the root of some workflows, one for each definition.
        let rows = self.workflows_of(tenant, &roots, ROOTS_LIMIT).await?;
        let name = |row: &WorkflowRow| Names {
            kind: row.root_type.clone(),
            id: row.root_id.clone(),
            also: row.definition.clone(),
        };
        Ok(in_order(rows, &names, name))
    }

    /// What is open answers where it holds all that is asked for.
    async fn if_open<T: Send + 'static>(
        &self,
        tenant: &str,
        filter: &WorkflowFilter,
        question: impl FnOnce(&Tenant) -> T + Send + 'static,
    ) -> Option<T> {
        if filter.closed == Some(false) && filter.text.is_empty() {
            self.ask_open(tenant, question).await
        } else {
            None
        }
    }

    /// The same rows in the same order, as they come.
    pub fn workflow_rows(
        &self,
        tenant: &str,
        filter: &WorkflowFilter,
        limit: u64,
    ) -> impl Stream<Item = Result<Vec<WorkflowRow>, StoreError>> + Send + use<> {
        self.owned_stream(stream::rows(self.listed(tenant, filter, &Cursor::start(), limit)), tenant)
    }

    fn listed(&self, tenant: &str, filter: &WorkflowFilter, cursor: &Cursor, limit: u64) -> Query {
        let (resumed, after) = cursor.place();
        self.narrowed_flows(self.reader.query_raw(read!("workflows")), tenant, filter)
            .param("sort", filter.sort.as_str())
            .param("resumed", resumed)
            .param("after_value", after.value)
            .param("after_type", after.kind)
            .param("after_id", after.id)
            .param("after_also", after.also)
            .param("limit", limit)
    }

    pub async fn workflow_count(&self, tenant: &str, filter: &WorkflowFilter) -> Result<u64, StoreError> {
        let asked = filter.clone();
        if let Some((count, _)) = self.if_open(tenant, filter, move |open| open.flows.sums(&open.words, &asked)).await {
            return Ok(count);
        }
        Ok(self.narrowed_flows(self.reader.query_raw(read!("workflow_count")), tenant, filter).fetch_one().await?)
    }

    /// The currency of the most workflows first.
    pub async fn workflow_totals(
        &self,
        tenant: &str,
        filter: &WorkflowFilter,
    ) -> Result<Vec<CurrencyTotal>, StoreError> {
        let asked = filter.clone();
        if let Some((_, sums)) = self.if_open(tenant, filter, move |open| open.flows.sums(&open.words, &asked)).await {
            return Ok(sums);
        }
        Ok(self.narrowed_flows(self.reader.query_raw(read!("workflow_totals")), tenant, filter).fetch_all().await?)
    }

    pub async fn workflow_facets(&self, tenant: &str, filter: &WorkflowFilter) -> Result<Vec<Facet>, StoreError> {
        let asked = filter.clone();
        let found = self.if_open(tenant, filter, move |open| open.flows.facets(&open.words, &asked));
        if let Some(facets) = found.await {
            return Ok(facets);
        }
        Ok(self.narrowed_flows(self.reader.query_raw(read!("workflow_facets")), tenant, filter).fetch_all().await?)
    }

    /// Is there any, open or closed?
    pub async fn workflow_any(&self, tenant: &str) -> Result<bool, StoreError> {
        let found: u8 = self.reader.query_raw(read!("workflow_any")).param("tenant", tenant).fetch_one().await?;
        Ok(found == 1)
    }

    /// By their root objects.
    pub async fn workflows_of(
        &self,
        tenant: &str,
        roots: &[ObjectRef],
        limit: u64,
    ) -> Result<Vec<WorkflowRow>, StoreError> {
        if roots.is_empty() {
            return Ok(Vec::new());
        }
        let query = self.reader.query_raw(read!("workflows_of")).param("tenant", tenant);
        Ok(query.param("objects", super::objects::names(roots)).param("limit", limit).fetch_all().await?)
    }

    /// By its root object.
    pub async fn workflow(&self, tenant: &str, root: &ObjectRef) -> Result<Option<WorkflowRow>, StoreError> {
        let query = self.reader.query_raw(read!("workflow")).param("tenant", tenant);
        Ok(query.param("object_type", &root.kind).param("object_id", &root.id).fetch_optional().await?)
    }
}

impl Store {
    fn narrowed_flows(&self, query: Query, tenant: &str, filter: &WorkflowFilter) -> Query {
        narrowed(self.of_list(query, Freezable::Workflows, tenant), filter)
    }
}

fn narrowed(query: Query, filter: &WorkflowFilter) -> Query {
    query
        .param("status", &filter.status)
        .param("stage", &filter.stage)
        .param("definition", &filter.definition)
        .param("system", &filter.system)
        .param("customer", &filter.customer)
        .param("warehouse", &filter.warehouse)
        .param("carrier", &filter.carrier)
        .param("exception", &filter.exception)
        .param("readiness", &filter.readiness)
        .param("text", &filter.text)
        .param("from_ms", filter.from_ms)
        .param("to_ms", filter.to_ms)
        .param("closed", filter.closed.map_or(-1, i8::from))
}
