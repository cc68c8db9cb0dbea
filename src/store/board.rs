//! The board's questions: how many stand where, what falls due next, what came in last.

use std::collections::BTreeMap;

use chrono::Utc;
use clickhouse::Row;
use clickhouse::query::Query;
use serde::{Deserialize, Serialize};

use super::rows::EventRow;
use super::{Store, StoreError};

#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct StatusCount {
    pub status: String,
    #[serde(rename = "n")]
    pub count: u64,
}

/// Open workflows at a stage. The stage is empty before the first milestone.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct StageCount {
    pub definition: String,
    pub stage: String,
    pub title: String,
    pub number: u8,
    pub status: String,
    #[serde(rename = "n")]
    pub count: u64,
}

/// Open workflows at a stage, of a status.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct BoardCount {
    pub definition: String,
    pub stage: String,
    pub title: String,
    pub number: u8,
    pub status: String,
    #[serde(rename = "n")]
    pub count: u64,
    /// Of these, ready to invoice.
    pub ready: u64,
}

impl From<&BoardCount> for StageCount {
    fn from(row: &BoardCount) -> Self {
        Self {
            definition: row.definition.clone(),
            stage: row.stage.clone(),
            title: row.title.clone(),
            number: row.number,
            status: row.status.clone(),
            count: row.count,
        }
    }
}

/// Clocks of one day that stand alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct ClockCount {
    /// Days from the first that was asked for; those before it count only for what is due today.
    pub day: i64,
    pub today: bool,
    pub verdict: String,
    pub open: bool,
    /// What stood in the way of those that ran out lately.
    pub late_cause: String,
    #[serde(rename = "n")]
    pub count: u64,
}

/// Whose workflows and clocks are meant; everybody's where a name is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Whose {
    /// Whose turn it is.
    pub system: String,
    pub customer: String,
}

impl Whose {
    pub fn is_everybody(&self) -> bool {
        self.system.is_empty() && self.customer.is_empty()
    }

    fn narrow(&self, query: Query) -> Query {
        query.param("system", &self.system).param("customer", &self.customer)
    }
}

/// Days in the reader's zone that the board tells of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// When the first of them begins.
    pub since_ms: i64,
    /// When today begins, and when it ends.
    pub today_ms: i64,
    pub tomorrow_ms: i64,
    /// Causes are told of what fell due since then.
    pub late_since_ms: i64,
}

/// Exceptions since a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct ShiftCount {
    pub came: u64,
    pub late: u64,
    pub went: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct KindCount {
    pub kind: String,
    #[serde(rename = "n")]
    pub count: u64,
}

/// Open workflows of a definition at a stage; times of their latest events.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct StageAge {
    pub stage: String,
    pub version: u32,
    #[serde(rename = "n")]
    pub count: u64,
    pub breached: u64,
    pub oldest_ms: i64,
    pub median_ms: i64,
}

impl Store {
    pub async fn stage_ages(&self, tenant: &str, definition: &str) -> Result<Vec<StageAge>, StoreError> {
        let query = self.reader.query_raw(read!("stage_ages")).param("tenant", tenant);
        Ok(query.param("definition", definition).fetch_all().await?)
    }

    /// Of open workflows.
    pub async fn status_counts(&self, tenant: &str) -> Result<Vec<StatusCount>, StoreError> {
        let everybody = Whose::default();
        if let Some(counts) = self.ask_open(tenant, move |open| open.flows.board(&open.words, &everybody)).await {
            let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
            for row in counts {
                *statuses.entry(row.status).or_default() += row.count;
            }
            return Ok(statuses.into_iter().map(|(status, count)| StatusCount { status, count }).collect());
        }
        Ok(self.reader.query_raw(read!("status_counts")).param("tenant", tenant).fetch_all().await?)
    }

    pub async fn stage_counts(&self, tenant: &str) -> Result<Vec<StageCount>, StoreError> {
        let everybody = Whose::default();
        if let Some(counts) = self.ask_open(tenant, move |open| open.flows.board(&open.words, &everybody)).await {
            return Ok(counts.iter().map(StageCount::from).collect());
        }
        Ok(self.reader.query_raw(read!("stage_counts")).param("tenant", tenant).fetch_all().await?)
    }

    /// All that the board counts of open workflows, in one pass.
    pub async fn board_counts(&self, tenant: &str, whose: &Whose) -> Result<Vec<BoardCount>, StoreError> {
        let own = whose.clone();
        if let Some(counts) = self.ask_open(tenant, move |open| open.flows.board(&open.words, &own)).await {
            return Ok(counts);
        }
        let query = self.reader.query_raw(read!("board_counts")).param("tenant", tenant);
        Ok(whose.narrow(query).fetch_all().await?)
    }

    pub async fn board_clocks(&self, tenant: &str, days: Days, whose: &Whose) -> Result<Vec<ClockCount>, StoreError> {
        let own = whose.clone();
        let found = self.ask_open(tenant, move |open| open.clocks.board(&open.words, days, &own));
        if let Some(counts) = found.await.flatten() {
            return Ok(counts);
        }
        let query = whose.narrow(self.reader.query_raw(read!("board_clocks")).param("tenant", tenant));
        let query = query.param("since_ms", days.since_ms).param("late_since_ms", days.late_since_ms);
        Ok(query.param("today_ms", days.today_ms).param("tomorrow_ms", days.tomorrow_ms).fetch_all().await?)
    }

    pub async fn exception_shift(&self, tenant: &str, since_ms: i64) -> Result<ShiftCount, StoreError> {
        let query = self.reader.query_raw(read!("exception_shift")).param("tenant", tenant);
        Ok(query.param("since_ms", since_ms).fetch_one().await?)
    }

    /// Of open workflows, the most frequent kind first.
    pub async fn exception_counts(&self, tenant: &str) -> Result<Vec<KindCount>, StoreError> {
        Ok(self.reader.query_raw(read!("exception_counts")).param("tenant", tenant).fetch_all().await?)
    }

    /// When the next of the open workflows falls due that is not overdue.
    pub async fn next_due(&self, tenant: &str, whose: &Whose) -> Result<Option<i64>, StoreError> {
        self.next_due_as_of(tenant, Utc::now().timestamp_millis(), whose).await
    }

    pub async fn next_due_as_of(&self, tenant: &str, as_of_ms: i64, whose: &Whose) -> Result<Option<i64>, StoreError> {
        let own = whose.clone();
        let found = self.ask_open(tenant, move |open| open.flows.next_due(&open.words, as_of_ms, &own));
        if let Some(due) = found.await {
            return Ok(due);
        }
        let query = whose.narrow(self.reader.query_raw(read!("next_due")).param("tenant", tenant));
        Ok(query.param("as_of_ms", as_of_ms).fetch_one().await?)
    }

    /// Received last, the newest first; of one system where it is named.
    pub async fn recent_events(&self, tenant: &str, system: &str, limit: u64) -> Result<Vec<EventRow>, StoreError> {
        const BACK_MS: [i64; 3] = [10 * 60_000, 24 * 3_600_000, i64::MAX];
        let now = Utc::now().timestamp_millis();
        let mut events = Vec::new();
        for back in BACK_MS {
            let query = self.reader.query_raw(read!("recent_events")).param("tenant", tenant).param("system", system);
            let since = now.saturating_sub(back).max(0);
            events = query.param("since_ms", since).param("limit", limit).fetch_all().await?;
            if events.len() as u64 >= limit {
                break;
            }
        }
        Ok(events)
    }
}
