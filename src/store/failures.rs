//! Failed records: one by one, by group with what they mean for the business, and of one payload.

use chrono::{DateTime, Utc};
use clickhouse::Row;
use clickhouse::query::Query;
use futures_util::Stream;
use serde::{Deserialize, Serialize};

use super::acts::ActRow;
use super::rows::FailureRow;
use super::{Cursor, Store, StoreError, stream};
use crate::domain::failures::{GROUP, GroupAct, Rules, parse_group};

/// What a list is narrowed to; an empty field does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FailureFilter {
    /// A group: the fingerprint, unless rules merged or split it.
    pub group: Option<u64>,
    pub stage: String,
    pub code: String,
    pub source: String,
    pub event_type: String,
    /// The bad value, exactly.
    pub found: String,
    /// How the object's id begins, an event's id, or a part of the sentence.
    pub text: String,
    /// Received at or after, and before; 0 is no limit.
    pub from_ms: i64,
    pub to_ms: i64,
}

/// What a group of failures is, counted from the failures themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct GroupFacts {
    pub group_id: u64,
    pub fingerprints: Vec<u64>,
    pub sources: Vec<String>,
    pub event_types: Vec<String>,
    #[serde(rename = "n")]
    pub count: u64,
    pub mended: u64,
    pub last_hour: u64,
    pub hours: Vec<u64>,
    pub objects: u64,
    pub example_payload: u64,
    pub example_index: u32,
    pub first_ms: i64,
    pub last_ms: i64,
}

/// What hangs on a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct GroupEffect {
    pub group_id: u64,
    pub orders: u64,
    pub workflows: u64,
    pub customers: u64,
    pub breached: u64,
    pub at_risk: u64,
    pub money: Vec<String>,
}

/// A snapshot of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct FailureGroup {
    pub group_id: u64,
    pub fingerprints: Vec<u64>,
    pub stage: String,
    pub code: String,
    pub pointer: String,
    pub expected: String,
    pub found: String,
    pub detail: String,
    pub step: String,
    pub target: String,
    pub source: String,
    pub sources: Vec<String>,
    pub event_types: Vec<String>,
    #[serde(rename = "n")]
    pub count: u64,
    pub last_hour: u64,
    pub hours: Vec<u64>,
    pub objects: u64,
    pub orders: u64,
    pub workflows: u64,
    pub customers: u64,
    pub breached: u64,
    pub at_risk: u64,
    pub money: Vec<String>,
    pub example_payload: u64,
    pub example_index: u32,
    pub first_ms: i64,
    pub last_ms: i64,
    /// Of `count`, those that a replay has mended.
    pub mended: u64,
    pub as_of_ms: i64,
    pub version: u64,
}

impl FailureGroup {
    /// Records that still wait to be mended.
    pub fn left(&self) -> u64 {
        self.count.saturating_sub(self.mended)
    }
}

/// A bad value, and how often it came.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct BadValue {
    pub found: String,
    #[serde(rename = "n")]
    pub count: u64,
    pub last_ms: i64,
}

/// The failed record before or after another of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct Neighbour {
    pub payload: u64,
    pub index: u32,
    pub later: bool,
}

/// No payload page lists more; the limits at the door let no payload have more records.
const OF_PAYLOAD_LIMIT: u64 = 100_000;

impl Store {
    /// The newest first.
    pub async fn failures(
        &self,
        tenant: &str,
        filter: &FailureFilter,
        cursor: &Cursor,
        limit: u64,
    ) -> Result<Vec<FailureRow>, StoreError> {
        Ok(self.failure_list(tenant, filter, cursor, limit).await?.fetch_all().await?)
    }

    /// The same rows in the same order, as they come.
    pub async fn failure_rows(
        &self,
        tenant: &str,
        filter: &FailureFilter,
        limit: u64,
    ) -> Result<impl Stream<Item = Result<Vec<FailureRow>, StoreError>> + Send + use<>, StoreError> {
        Ok(stream::rows(self.failure_list(tenant, filter, &Cursor::start(), limit).await?))
    }

    async fn failure_list(
        &self,
        tenant: &str,
        filter: &FailureFilter,
        cursor: &Cursor,
        limit: u64,
    ) -> Result<Query, StoreError> {
        let rules = match filter.group {
            Some(_) => self.failure_rules(tenant).await?,
            None => Rules::default(),
        };
        let (resumed, after) = cursor.place();
        Ok(in_group(self.reader.query_raw(read!("failures")), tenant, filter.group.unwrap_or(0), &rules)
            .param("stage", &filter.stage)
            .param("code", &filter.code)
            .param("source", &filter.source)
            .param("event_type", &filter.event_type)
            .param("found", &filter.found)
            .param("text", &filter.text)
            .param("from_ms", filter.from_ms)
            .param("to_ms", filter.to_ms)
            .param("resumed", resumed)
            .param("after_payload", after.value as u64)
            .param("after_index", after.id.parse::<u32>().unwrap_or(0))
            .param("limit", limit))
    }

    /// How many match, whatever their group.
    pub async fn failure_count(&self, tenant: &str, filter: &FailureFilter) -> Result<u64, StoreError> {
        let query = self
            .reader
            .query_raw(read!("failure_count"))
            .param("tenant", tenant)
            .param("stage", &filter.stage)
            .param("code", &filter.code)
            .param("source", &filter.source)
            .param("event_type", &filter.event_type)
            .param("found", &filter.found)
            .param("text", &filter.text)
            .param("from_ms", filter.from_ms)
            .param("to_ms", filter.to_ms);
        Ok(query.fetch_one().await?)
    }

    /// Snapshots of groups, the cause seen last first.
    pub async fn failure_groups(
        &self,
        tenant: &str,
        filter: &FailureFilter,
        limit: u64,
    ) -> Result<Vec<FailureGroup>, StoreError> {
        let query = self
            .reader
            .query_raw(read!("failure_groups"))
            .param("tenant", tenant)
            .param("group", filter.group.unwrap_or(0))
            .param("stage", &filter.stage)
            .param("code", &filter.code)
            .param("source", &filter.source)
            .param("event_type", &filter.event_type)
            .param("text", &filter.text)
            .param("from_ms", filter.from_ms)
            .param("to_ms", filter.to_ms)
            .param("limit", limit);
        Ok(query.fetch_all().await?)
    }

    /// In the order of their place in the payload.
    pub async fn failures_of(&self, tenant: &str, payload: u64) -> Result<Vec<FailureRow>, StoreError> {
        let query = self.reader.query_raw(read!("failures_of")).param("tenant", tenant);
        Ok(query.param("payload", payload).param("limit", OF_PAYLOAD_LIMIT).fetch_all().await?)
    }

    /// What people did with the groups of a tenant, in the order in which they did it.
    pub async fn failure_group_acts(&self, tenant: &str) -> Result<Vec<GroupAct>, StoreError> {
        let rows = self.acts_on(tenant, GROUP).await?;
        let act = |row: ActRow| {
            Some(GroupAct {
                group: parse_group(&row.object_id)?,
                at: DateTime::from_timestamp_millis(row.occurred_ms)?,
                data: serde_json::from_str(&row.data).unwrap_or_default(),
                id: row.event_id,
                kind: row.event_type,
                by: row.source,
            })
        };
        Ok(rows.into_iter().filter_map(act).collect())
    }

    pub async fn failure_rules(&self, tenant: &str) -> Result<Rules, StoreError> {
        Ok(Rules::of(&self.failure_group_acts(tenant).await?))
    }

    /// Computed from the failures themselves.
    pub async fn failure_group_facts(
        &self,
        tenant: &str,
        rules: &Rules,
        as_of: DateTime<Utc>,
        limit: u64,
    ) -> Result<Vec<GroupFacts>, StoreError> {
        let query = ruled(self.counting(read!("failure_group_facts")), rules).param("tenant", tenant);
        Ok(query.param("as_of_ms", as_of.timestamp_millis()).param("limit", limit).fetch_all().await?)
    }

    /// Computed from the workflows that hang on the failures.
    pub async fn failure_group_effects(&self, tenant: &str, rules: &Rules) -> Result<Vec<GroupEffect>, StoreError> {
        let query = ruled(self.counting(read!("failure_group_effects")), rules).param("tenant", tenant);
        Ok(query.fetch_all().await?)
    }

    /// Failed records by their places; those that are gone are left out.
    pub async fn failures_at(&self, tenant: &str, places: &[(u64, u32)]) -> Result<Vec<FailureRow>, StoreError> {
        let query = self.reader.query_raw(read!("failures_at")).param("tenant", tenant);
        Ok(query.param("places", places).fetch_all().await?)
    }

    /// Nobody waits for it: on one core, and as long as it takes.
    fn counting(&self, sql: &str) -> Query {
        self.writer.query_raw(sql).with_setting("max_threads", "1")
    }

    pub async fn failure_group_values(
        &self,
        tenant: &str,
        group: u64,
        rules: &Rules,
        limit: u64,
    ) -> Result<Vec<BadValue>, StoreError> {
        let query = in_group(self.reader.query_raw(read!("failure_group_values")), tenant, group, rules);
        Ok(query.param("limit", limit).fetch_all().await?)
    }

    /// How many failures in each slot of `slot_ms` since then; slots without any are left out.
    pub async fn failure_group_times(
        &self,
        tenant: &str,
        group: u64,
        rules: &Rules,
        since_ms: i64,
        slot_ms: i64,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        let query = in_group(self.reader.query_raw(read!("failure_group_times")), tenant, group, rules);
        Ok(query.param("since_ms", since_ms).param("slot_ms", slot_ms).fetch_all().await?)
    }

    pub async fn failure_neighbours(
        &self,
        tenant: &str,
        group: u64,
        rules: &Rules,
        payload: u64,
        index: u32,
    ) -> Result<Vec<Neighbour>, StoreError> {
        let query = in_group(self.reader.query_raw(read!("failure_neighbours")), tenant, group, rules);
        Ok(query.param("payload", payload).param("index", index).fetch_all().await?)
    }
}

fn in_group(query: Query, tenant: &str, group: u64, rules: &Rules) -> Query {
    let query = query.param("tenant", tenant).param("group", group).param("fingerprints", rules.fingerprints(group));
    ruled(query, rules)
}

fn ruled(query: Query, rules: &Rules) -> Query {
    fn all<T, V>(of: &[T], each: impl Fn(&T) -> V) -> Vec<V> {
        of.iter().map(each).collect()
    }
    query
        .param("split_from", all(&rules.splits, |split| split.from))
        .param("split_by", all(&rules.splits, |split| split.by.clone()))
        .param("split_value", all(&rules.splits, |split| split.value.clone()))
        .param("split_into", all(&rules.splits, |split| split.into))
        .param("merge_from", all(&rules.merges, |(from, _)| *from))
        .param("merge_into", all(&rules.merges, |(_, into)| *into))
}
