//! Exceptions for lists: a page of them, their sums, what they can be narrowed by; and what the pipeline asks of them.

use clickhouse::Row;
use clickhouse::query::Query;
use futures_util::Stream;
use milepost_ingest::ObjectRef;
use serde::{Deserialize, Serialize};

use super::board::KindCount;
use super::open::{in_order, page};
use super::rows::ExceptionRow;
use super::workflows::Facet;
use super::{Cursor, Freezable, Store, StoreError, stream};

/// What a list is narrowed to; an empty field does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExceptionFilter {
    /// Any of these.
    pub state: Vec<String>,
    pub kind: Vec<String>,
    pub severity: String,
    pub system: String,
    /// A person, or `nobody`.
    pub owner: String,
    pub team: String,
    pub reason: String,
    pub customer: String,
    pub warehouse: String,
    pub carrier: String,
    /// How the id of its object or of its workflow's root begins, or a part of the customer's name.
    pub text: String,
    /// First known at or after; 0 is no limit.
    pub from_ms: i64,
    /// Whether a silent source explains it.
    pub muted: Option<bool>,
    pub sort: ExceptionSort,
}

impl ExceptionFilter {
    /// Only what is not closed, and nothing that only the database can look for.
    fn asks_for_open(&self) -> bool {
        self.text.is_empty() && !self.state.is_empty() && !self.state.iter().any(|state| state == "closed")
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionSort {
    /// The worst first, and of those what must be cured first.
    #[default]
    Urgent,
    /// The longest open first.
    Since,
    /// Known last first.
    New,
    /// The most money first.
    Amount,
}

/// Of what cannot be told by a time: it comes after what can.
const NO_TIME: i64 = 90_000_000_000_000;
const RANK: i64 = 100_000_000_000_000;

impl ExceptionSort {
    pub const ALL: [Self; 4] = [Self::Urgent, Self::Since, Self::New, Self::Amount];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Since => "since",
            Self::New => "new",
            Self::Amount => "amount",
        }
    }

    /// The same as `sort_value` of the query.
    pub(super) fn value(self, row: &ExceptionRow) -> i64 {
        match self {
            Self::Urgent => Self::urgency(&row.severity, row.resolve_by_ms),
            Self::Since => row.since_ms,
            Self::New => -row.known_ms,
            Self::Amount => Self::by_amount(row.amount),
        }
    }

    pub(super) fn urgency(severity: &str, resolve_by_ms: Option<i64>) -> i64 {
        let rank = i64::from(severity != "critical") + i64::from(severity == "info");
        rank * RANK + resolve_by_ms.unwrap_or(NO_TIME)
    }

    /// Whole units of the currency, as many as can be told apart.
    pub(super) fn by_amount(millionths: Option<i128>) -> i64 {
        let units = millionths.unwrap_or(0) / 1_000_000;
        -i64::try_from(units.clamp(-i128::from(i64::MAX), i128::from(i64::MAX))).unwrap_or(0)
    }
}

/// Silent sources, and the systems that speak through nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Muting {
    pub sources: Vec<String>,
    pub systems: Vec<String>,
}

impl Muting {
    /// The silent source that explains a clock that runs out.
    pub fn of(&self, row: &ExceptionRow) -> Option<&str> {
        if !matches!(row.kind.as_str(), "sla_breached" | "sla_at_risk") {
            return None;
        }
        let source = self.sources.iter().find(|source| row.feeds.contains(source));
        let alone = row.feeds.is_empty() && self.systems.contains(&row.system);
        source.or_else(|| self.sources.first().filter(|_| alone)).map(String::as_str)
    }
}

/// Exceptions of one currency; empty where none is known.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct CurrencySum {
    pub currency: String,
    #[serde(rename = "n")]
    pub count: u64,
    pub orders: u64,
    /// Millionths.
    pub amount: i128,
}

/// A silent source; `alone` says that its system has no other voice.
#[derive(Row, Deserialize)]
struct Silent {
    source: String,
    system: String,
    alone: bool,
}

impl Store {
    pub async fn exceptions(
        &self,
        tenant: &str,
        filter: &ExceptionFilter,
        muting: &Muting,
        cursor: &Cursor,
        limit: u64,
    ) -> Result<Vec<ExceptionRow>, StoreError> {
        if filter.asks_for_open() {
            let (asked, muting, after, most) = (filter.clone(), muting.clone(), cursor.resumed(), page(limit));
            let found =
                self.ask_open(tenant, move |open| open.cases.page(&open.words, &asked, &muting, after.as_ref(), most));
            if let Some(ids) = found.await {
                let query = self.reader.query_raw(read!("exceptions_named")).param("tenant", tenant);
                let rows = query.param("ids", &ids).fetch_all().await?;
                let name = |row: &ExceptionRow| row.id.clone();
                if let Some(rows) = in_order(rows, &ids, name, |row| filter.state.contains(&row.state)) {
                    return Ok(rows);
                }
            }
        }
        let rows = self.exception_list(tenant, filter, muting, cursor, limit).fetch_all().await?;
        Ok(self.owned(rows, tenant))
    }

    /// The same rows in the same order, as they come.
    pub fn exception_rows(
        &self,
        tenant: &str,
        filter: &ExceptionFilter,
        muting: &Muting,
        limit: u64,
    ) -> impl Stream<Item = Result<Vec<ExceptionRow>, StoreError>> + Send + use<> {
        self.owned_stream(stream::rows(self.exception_list(tenant, filter, muting, &Cursor::start(), limit)), tenant)
    }

    fn exception_list(
        &self,
        tenant: &str,
        filter: &ExceptionFilter,
        muting: &Muting,
        cursor: &Cursor,
        limit: u64,
    ) -> Query {
        let (resumed, after) = cursor.place();
        narrowed(
            self.of_list(self.reader.query_raw(read!("exceptions")), Freezable::Exceptions, tenant),
            filter,
            muting,
        )
        .param("sort", filter.sort.as_str())
        .param("resumed", resumed)
        .param("after_value", after.value)
        .param("after_id", after.id)
        .param("limit", limit)
    }

    /// By currency, the most frequent first.
    pub async fn exception_sums(
        &self,
        tenant: &str,
        filter: &ExceptionFilter,
        muting: &Muting,
    ) -> Result<Vec<CurrencySum>, StoreError> {
        if filter.asks_for_open() {
            let (asked, muting) = (filter.clone(), muting.clone());
            if let Some(sums) = self.ask_open(tenant, move |open| open.cases.sums(&open.words, &asked, &muting)).await {
                return Ok(sums);
            }
        }
        Ok(narrowed(
            self.of_list(self.reader.query_raw(read!("exception_sums")), Freezable::Exceptions, tenant),
            filter,
            muting,
        )
        .fetch_all()
        .await?)
    }

    pub async fn exception_facets(
        &self,
        tenant: &str,
        filter: &ExceptionFilter,
        muting: &Muting,
    ) -> Result<Vec<Facet>, StoreError> {
        // What is closed is left out unless it is asked for.
        if filter.text.is_empty() && !filter.state.iter().any(|state| state == "closed") {
            let (asked, muting) = (filter.clone(), muting.clone());
            let found = self.ask_open(tenant, move |open| open.cases.facets(&open.words, &asked, &muting));
            if let Some(facets) = found.await {
                return Ok(facets);
            }
        }
        Ok(narrowed(
            self.of_list(self.reader.query_raw(read!("exception_facets")), Freezable::Exceptions, tenant),
            filter,
            muting,
        )
        .fetch_all()
        .await?)
    }

    pub async fn exception(&self, tenant: &str, id: &str) -> Result<Option<ExceptionRow>, StoreError> {
        let query = self.reader.query_raw(read!("exception")).param("tenant", tenant);
        Ok(query.param("id", id).fetch_optional().await?)
    }

    pub async fn exceptions_named(&self, tenant: &str, ids: &[String]) -> Result<Vec<ExceptionRow>, StoreError> {
        let query = self.writer.query_raw(read!("exceptions_named")).param("tenant", tenant);
        Ok(query.param("ids", ids).fetch_all().await?)
    }

    /// Those not closed that workflows with these roots carry.
    pub async fn exceptions_of(&self, tenant: &str, roots: &[ObjectRef]) -> Result<Vec<ExceptionRow>, StoreError> {
        if roots.is_empty() {
            return Ok(Vec::new());
        }
        let roots: Vec<(&str, &str)> = roots.iter().map(|r| (r.kind.as_str(), r.id.as_str())).collect();
        let query = self.reader.query_raw(read!("exceptions_of")).param("tenant", tenant);
        Ok(query.param("objects", roots).fetch_all().await?)
    }

    /// Who has taken what is wrong with these workflows.
    pub async fn owners(&self, tenant: &str, roots: &[ObjectRef]) -> Result<Vec<(ObjectRef, String)>, StoreError> {
        let asked = roots.to_vec();
        if let Some(owners) = self.ask_open(tenant, move |open| open.cases.owners(&open.words, &asked)).await {
            return Ok(owners);
        }
        let rows = self.exceptions_of(tenant, roots).await?;
        let owner = |root: &ObjectRef| {
            let own = |row: &&ExceptionRow| (&row.root_type, &row.root_id) == (&root.kind, &root.id);
            let taken = rows.iter().filter(own).find(|row| !row.owner.is_empty())?;
            Some((root.clone(), taken.owner.clone()))
        };
        Ok(roots.iter().filter_map(owner).collect())
    }

    /// Open kinds, the most frequent first.
    pub async fn exception_kinds(&self, tenant: &str) -> Result<Vec<KindCount>, StoreError> {
        if let Some(kinds) = self.ask_open(tenant, |open| open.cases.kinds(&open.words)).await {
            return Ok(kinds);
        }
        Ok(self.reader.query_raw(read!("exception_kinds")).param("tenant", tenant).fetch_all().await?)
    }

    /// What changed after a version, of all tenants; everything open for version 0.
    pub async fn exceptions_since(&self, version: u64) -> Result<Vec<ExceptionRow>, StoreError> {
        Ok(self.writer.query_raw(read!("exceptions_since")).param("version", version).fetch_all().await?)
    }

    /// How many nobody has taken yet.
    pub async fn exception_open(&self, tenant: &str) -> Result<u64, StoreError> {
        if let Some(open) = self.ask_open(tenant, |open| open.cases.in_state(&open.words, "open")).await {
            return Ok(open);
        }
        Ok(self.reader.query_raw(read!("exception_open")).param("tenant", tenant).fetch_one().await?)
    }

    /// Sources that are silent now.
    pub async fn muting(&self, tenant: &str) -> Result<Muting, StoreError> {
        let silent: Vec<Silent> =
            self.reader.query_raw(read!("silent_sources")).param("tenant", tenant).fetch_all().await?;
        let systems = silent.iter().filter(|s| s.alone).map(|s| s.system.clone()).collect();
        Ok(Muting { systems, sources: silent.into_iter().map(|s| s.source).collect() })
    }
}

fn narrowed(query: Query, filter: &ExceptionFilter, muting: &Muting) -> Query {
    query
        .param("state", &filter.state)
        .param("kind", &filter.kind)
        .param("severity", &filter.severity)
        .param("system", &filter.system)
        .param("owner", &filter.owner)
        .param("team", &filter.team)
        .param("reason", &filter.reason)
        .param("customer", &filter.customer)
        .param("warehouse", &filter.warehouse)
        .param("carrier", &filter.carrier)
        .param("text", &filter.text)
        .param("from_ms", filter.from_ms)
        .param("muted", filter.muted.map_or("", |muted| if muted { "yes" } else { "no" }))
        .param("mute_sources", &muting.sources)
        .param("mute_systems", &muting.systems)
}
