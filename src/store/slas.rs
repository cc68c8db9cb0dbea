//! Clocks: lists of them, their number by verdict, those of a workflow, and what the pipeline remembers of them.

use std::collections::BTreeSet;

use clickhouse::Row;
use clickhouse::query::{Query, RowCursor};
use futures_util::Stream;
use milepost_ingest::ObjectRef;
use serde::{Deserialize, Serialize};

use super::objects::names;
use super::open::{Names, Tenant, in_order, page};
use super::rows::SlaRow;
use super::{CurrencyTotal, Cursor, Freezable, Store, StoreError, stream};

/// Verdicts of clocks that are not ended.
pub const RUNNING: [&str; 3] = ["breached", "at_risk", "open"];
/// Clocks of the workflows that one question names.
const CLOCKS_LIMIT: u64 = 100_000;

/// What a list is narrowed to; an empty field does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SlaFilter {
    /// Any of these.
    pub verdict: Vec<String>,
    /// Verdict as it was first known.
    pub first: String,
    pub policy: String,
    pub definition: String,
    pub kind: String,
    pub system: String,
    pub customer: String,
    pub warehouse: String,
    pub carrier: String,
    pub cause: String,
    /// How the id of the root or object begins, or a part of the customer's name; case does not matter.
    pub text: String,
    /// Due at or after, and before; 0 is no limit.
    pub from_ms: i64,
    pub to_ms: i64,
    /// Due last comes first, instead of due first.
    pub newest: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct VerdictCount {
    pub verdict: String,
    #[serde(rename = "n")]
    pub count: u64,
}

/// What the pipeline remembers of a clock.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct StoredSla {
    pub tenant: String,
    pub root_type: String,
    pub root_id: String,
    pub policy: String,
    pub object_type: String,
    pub object_id: String,
    pub mark: u64,
    pub detected_ms: Option<i64>,
    pub detected_late: bool,
    pub cause: String,
}

impl Store {
    pub async fn slas(
        &self,
        tenant: &str,
        filter: &SlaFilter,
        cursor: &Cursor,
        limit: u64,
    ) -> Result<Vec<SlaRow>, StoreError> {
        let (asked, from, most) = (filter.clone(), cursor.resumed(), page(limit));
        let found =
            self.if_running(tenant, filter, move |open| open.clocks.page(&open.words, &asked, from.as_ref(), most));
        if let Some(names) = found.await {
            let roots: BTreeSet<ObjectRef> = names.iter().map(|(n, _)| ObjectRef::new(&*n.kind, &*n.id)).collect();
            let rows = self.slas_of(tenant, &roots.into_iter().collect::<Vec<_>>()).await?;
            let name = |row: &SlaRow| {
                let root = Names { kind: row.root_type.clone(), id: row.root_id.clone(), also: row.definition.clone() };
                (root, format!("{} {}/{}", row.policy, row.object_type, row.object_id))
            };
            if let Some(rows) = in_order(rows, &names, name, |row| filter.verdict.contains(&row.verdict)) {
                return Ok(rows);
            }
        }
        let rows = self.sla_list(tenant, filter, cursor, limit).fetch_all().await?;
        Ok(self.owned(rows, tenant))
    }

    /// The same rows in the same order, as they come.
    pub fn sla_rows(
        &self,
        tenant: &str,
        filter: &SlaFilter,
        limit: u64,
    ) -> impl Stream<Item = Result<Vec<SlaRow>, StoreError>> + Send + use<> {
        self.owned_stream(stream::rows(self.sla_list(tenant, filter, &Cursor::start(), limit)), tenant)
    }

    fn sla_list(&self, tenant: &str, filter: &SlaFilter, cursor: &Cursor, limit: u64) -> Query {
        let (resumed, after) = cursor.place();
        narrowed(self.of_list(self.reader.query_raw(read!("slas")), Freezable::Slas, tenant), filter)
            .param("newest", filter.newest)
            .param("resumed", resumed)
            .param("after_value", after.value)
            .param("after_type", after.kind)
            .param("after_id", after.id)
            .param("after_also", after.also)
            .param("limit", limit)
    }

    /// How many match and what depends on them, by currency; empty where none is known.
    pub async fn sla_sums(&self, tenant: &str, filter: &SlaFilter) -> Result<Vec<CurrencyTotal>, StoreError> {
        Ok(narrowed(self.of_list(self.reader.query_raw(read!("sla_sums")), Freezable::Slas, tenant), filter)
            .fetch_all()
            .await?)
    }

    /// What is open answers where it holds all that is asked for.
    async fn if_running<T: Send + 'static>(
        &self,
        tenant: &str,
        filter: &SlaFilter,
        question: impl FnOnce(&Tenant) -> T + Send + 'static,
    ) -> Option<T> {
        let running = !filter.verdict.is_empty() && filter.verdict.iter().all(|v| RUNNING.contains(&v.as_str()));
        if running && filter.text.is_empty() { self.ask_open(tenant, question).await } else { None }
    }

    /// How many match, by verdict.
    pub async fn sla_count(&self, tenant: &str, filter: &SlaFilter) -> Result<Vec<VerdictCount>, StoreError> {
        let asked = filter.clone();
        let found = self.if_running(tenant, filter, move |open| open.clocks.counts(&open.words, &asked));
        if let Some(counts) = found.await {
            return Ok(counts);
        }
        Ok(narrowed(self.of_list(self.reader.query_raw(read!("sla_count")), Freezable::Slas, tenant), filter)
            .fetch_all()
            .await?)
    }

    /// The clocks of workflows, by their roots.
    pub async fn slas_of(&self, tenant: &str, roots: &[ObjectRef]) -> Result<Vec<SlaRow>, StoreError> {
        if roots.is_empty() {
            return Ok(Vec::new());
        }
        let query = self.reader.query_raw(read!("slas_of")).param("tenant", tenant);
        Ok(query.param("objects", names(roots)).param("limit", CLOCKS_LIMIT).fetch_all().await?)
    }

    /// What is stored of the clocks of all open workflows.
    pub fn open_slas(&self) -> Result<RowCursor<StoredSla>, StoreError> {
        Ok(self.writer.query_raw(read!("open_slas")).fetch()?)
    }
}

fn narrowed(query: Query, filter: &SlaFilter) -> Query {
    query
        .param("verdict", &filter.verdict)
        .param("first", &filter.first)
        .param("policy", &filter.policy)
        .param("definition", &filter.definition)
        .param("sla_kind", &filter.kind)
        .param("system", &filter.system)
        .param("customer", &filter.customer)
        .param("warehouse", &filter.warehouse)
        .param("carrier", &filter.carrier)
        .param("cause", &filter.cause)
        .param("text", &filter.text)
        .param("from_ms", filter.from_ms)
        .param("to_ms", filter.to_ms)
}
