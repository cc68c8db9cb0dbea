//! What can be billed and what does not match, for lists: a page of them, their sums, and what the pipeline last wrote.

use std::collections::BTreeSet;

use clickhouse::Row;
use clickhouse::query::Query;
use futures_util::Stream;
use serde::Deserialize;

use super::open::{Names, Tenant, UNSETTLED, in_order, page};
use super::rows::{ReadinessRow, ReconciliationRow};
use super::{Cursor, Store, StoreError, stream};

/// More than any file takes.
const MAX_ROWS: u64 = 2_000_000;

/// What a list is narrowed to; an empty field does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadinessFilter {
    /// Any of these.
    pub state: Vec<String>,
    pub reason: String,
    /// Days since delivery: `0-1`, `2-3`, `4-7`, `8-14`, `15-30`, `31+`.
    pub age: String,
    pub customer: String,
    pub carrier: String,
    pub system: String,
    pub currency: String,
    pub text: String,
    /// As the list was then; 0 is now.
    pub as_of_ms: i64,
    /// From when ages count.
    pub now_ms: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReconciliationFilter {
    /// Any of these.
    pub kind: Vec<String>,
    /// With those that match.
    pub matched: bool,
    pub customer: String,
    pub carrier: String,
    pub text: String,
    /// As the list was then; 0 is now.
    pub as_of_ms: i64,
}

/// Number and money of one value in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct Sum {
    pub name: String,
    pub value: String,
    pub currency: String,
    #[serde(rename = "n")]
    pub count: u64,
    /// Millionths.
    pub total: i128,
    /// How many have no known amount.
    pub unknown: u64,
}

impl Store {
    pub async fn readiness(
        &self,
        tenant: &str,
        filter: &ReadinessFilter,
        cursor: &Cursor,
        limit: u64,
    ) -> Result<Vec<ReadinessRow>, StoreError> {
        let (asked, after, most) = (filter.clone(), cursor.resumed(), page(limit));
        let found =
            self.if_unsettled(tenant, filter, move |open| open.bills.page(&open.words, &asked, after.as_ref(), most));
        if let Some(names) = found.await {
            let roots: BTreeSet<(&str, &str)> = names.iter().map(|(n, _)| (n.kind.as_str(), n.id.as_str())).collect();
            let query = self.reader.query_raw(read!("readiness_of")).param("tenant", tenant);
            let rows = query.param("objects", roots.into_iter().collect::<Vec<_>>()).fetch_all().await?;
            let name = |row: &ReadinessRow| {
                let root = Names { kind: row.root_type.clone(), id: row.root_id.clone(), also: String::new() };
                (root, format!("{}/{}", row.object_type, row.object_id))
            };
            if let Some(rows) = in_order(rows, &names, name, |row| filter.state.contains(&row.state)) {
                return Ok(rows);
            }
        }
        Ok(self.readiness_query(tenant, filter, cursor, limit).fetch_all().await?)
    }

    /// The same rows in the same order, as they come.
    pub fn readiness_rows(
        &self,
        tenant: &str,
        filter: &ReadinessFilter,
    ) -> impl Stream<Item = Result<Vec<ReadinessRow>, StoreError>> + Send + use<> {
        stream::rows(self.readiness_query(tenant, filter, &Cursor::start(), MAX_ROWS))
    }

    fn readiness_query(&self, tenant: &str, filter: &ReadinessFilter, cursor: &Cursor, limit: u64) -> Query {
        let (resumed, after) = cursor.place();
        narrowed(self.reader.query_raw(read!("readiness")), tenant, filter)
            .param("resumed", resumed)
            .param("after_value", after.value)
            .param("after_id", after.id)
            .param("after_also", after.also)
            .param("limit", limit)
    }

    /// What is open answers where it holds all that is asked for.
    async fn if_unsettled<T: Send + 'static>(
        &self,
        tenant: &str,
        filter: &ReadinessFilter,
        question: impl FnOnce(&Tenant) -> T + Send + 'static,
    ) -> Option<T> {
        let unsettled = !filter.state.is_empty() && filter.state.iter().all(|s| UNSETTLED.contains(&s.as_str()));
        let now = filter.as_of_ms == 0 && filter.text.is_empty();
        if unsettled && now { self.ask_open(tenant, question).await } else { None }
    }

    /// By `all`, `state`, `reason`, `age`, `customer`, `system` and `currency`.
    pub async fn readiness_sums(&self, tenant: &str, filter: &ReadinessFilter) -> Result<Vec<Sum>, StoreError> {
        let asked = filter.clone();
        let found = self.if_unsettled(tenant, filter, move |open| open.bills.sums(&open.words, &asked));
        if let Some(sums) = found.await {
            return Ok(sums);
        }
        Ok(narrowed(self.reader.query_raw(read!("readiness_sums")), tenant, filter).fetch_all().await?)
    }

    pub async fn reconciliation(
        &self,
        tenant: &str,
        filter: &ReconciliationFilter,
        cursor: &Cursor,
        limit: u64,
    ) -> Result<Vec<ReconciliationRow>, StoreError> {
        Ok(self.reconciliation_query(tenant, filter, cursor, limit).fetch_all().await?)
    }

    pub fn reconciliation_rows(
        &self,
        tenant: &str,
        filter: &ReconciliationFilter,
    ) -> impl Stream<Item = Result<Vec<ReconciliationRow>, StoreError>> + Send + use<> {
        stream::rows(self.reconciliation_query(tenant, filter, &Cursor::start(), MAX_ROWS))
    }

    fn reconciliation_query(&self, tenant: &str, filter: &ReconciliationFilter, cursor: &Cursor, limit: u64) -> Query {
        let (resumed, after) = cursor.place();
        compared(self.reader.query_raw(read!("reconciliation")), tenant, filter)
            .param("resumed", resumed)
            .param("after_value", after.value)
            .param("after_id", after.id)
            .param("after_also", after.also)
            .param("limit", limit)
    }

    /// By `kind`.
    pub async fn reconciliation_sums(
        &self,
        tenant: &str,
        filter: &ReconciliationFilter,
    ) -> Result<Vec<Sum>, StoreError> {
        Ok(compared(self.reader.query_raw(read!("reconciliation_sums")), tenant, filter).fetch_all().await?)
    }
}

fn narrowed(query: Query, tenant: &str, filter: &ReadinessFilter) -> Query {
    query
        .param("tenant", tenant)
        .param("state", &filter.state)
        .param("reason", &filter.reason)
        .param("age", &filter.age)
        .param("customer", &filter.customer)
        .param("carrier", &filter.carrier)
        .param("system", &filter.system)
        .param("currency", &filter.currency)
        .param("text", &filter.text)
        .param("as_of_ms", filter.as_of_ms)
        .param("now_ms", filter.now_ms)
}

fn compared(query: Query, tenant: &str, filter: &ReconciliationFilter) -> Query {
    query
        .param("tenant", tenant)
        .param("kind", &filter.kind)
        .param("matched", if filter.matched { "yes" } else { "no" })
        .param("customer", &filter.customer)
        .param("carrier", &filter.carrier)
        .param("text", &filter.text)
        .param("as_of_ms", filter.as_of_ms)
}
