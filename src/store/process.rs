//! How work goes: attainment by day, causes of lateness, stage durations, ways taken, and what forecasts are made from.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};

/// Clocks that a preview works out anew at most.
pub const HISTORY_LIMIT: u64 = 50_000;
/// Workflows that a forecast is tried on at most.
const TRIALS_LIMIT: u64 = 20_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct PolicyDay {
    pub definition: String,
    pub policy: String,
    /// Days since 1970 in UTC.
    pub day: i64,
    pub met: u64,
    pub late: u64,
    pub waived: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct PolicyOpen {
    pub definition: String,
    pub policy: String,
    pub on_track: u64,
    pub at_risk: u64,
    pub breached: u64,
    pub next_ms: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct LateCause {
    pub cause: String,
    #[serde(rename = "n")]
    pub count: u64,
    pub still_open: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct PastClock {
    pub started_ms: i64,
    pub ended_ms: Option<i64>,
    pub due_ms: i64,
    pub verdict: String,
    pub pauses: Vec<i64>,
    pub variant: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct StageDuration {
    pub step: String,
    #[serde(rename = "n")]
    pub count: u64,
    pub p50_ms: i64,
    pub p95_ms: i64,
    pub total_ms: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct SlowPlace {
    pub step: String,
    /// `warehouse` or `carrier`
    pub kind: String,
    pub place: String,
    #[serde(rename = "n")]
    pub count: u64,
    pub p50_ms: i64,
    pub p95_ms: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Variant {
    pub way: Vec<String>,
    #[serde(rename = "n")]
    pub count: u64,
    pub p50_ms: i64,
    pub p95_ms: i64,
    pub total: u64,
}

/// How long it took from one milestone to another: twentieths, from a twentieth to nineteen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Remaining {
    pub definition: String,
    pub from_step: String,
    pub to_step: String,
    pub alike: String,
    #[serde(rename = "n")]
    pub count: u32,
    pub quantiles: Vec<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Trial {
    pub definition: String,
    pub carrier: String,
    pub warehouse: String,
    pub lane: String,
    pub from_step: String,
    pub from_ms: i64,
    pub to_step: String,
    pub took_ms: i64,
}

impl Store {
    pub async fn policy_days(&self, tenant: &str, since_ms: i64) -> Result<Vec<PolicyDay>, StoreError> {
        let query = self.reader.query_raw(read!("policy_days")).param("tenant", tenant);
        Ok(query.param("since_ms", since_ms).fetch_all().await?)
    }

    pub async fn policy_open(&self, tenant: &str) -> Result<Vec<PolicyOpen>, StoreError> {
        if let Some(policies) = self.ask_open(tenant, |open| open.clocks.policies(&open.words)).await {
            return Ok(policies);
        }
        Ok(self.reader.query_raw(read!("policy_open")).param("tenant", tenant).fetch_all().await?)
    }

    /// Of one definition or policy where it is named.
    pub async fn late_causes(
        &self,
        tenant: &str,
        definition: &str,
        policy: &str,
        since_ms: i64,
    ) -> Result<Vec<LateCause>, StoreError> {
        let query = self.reader.query_raw(read!("late_causes")).param("tenant", tenant);
        let query = query.param("definition", definition).param("policy", policy);
        Ok(query.param("since_ms", since_ms).fetch_all().await?)
    }

    pub async fn policy_history(
        &self,
        tenant: &str,
        definition: &str,
        policy: &str,
        since_ms: i64,
    ) -> Result<Vec<PastClock>, StoreError> {
        let query = self.reader.query_raw(read!("policy_history")).param("tenant", tenant);
        let query = query.param("definition", definition).param("policy", policy).param("since_ms", since_ms);
        Ok(query.param("limit", HISTORY_LIMIT).fetch_all().await?)
    }

    pub async fn stage_durations(
        &self,
        tenant: &str,
        definition: &str,
        since_ms: i64,
    ) -> Result<Vec<StageDuration>, StoreError> {
        let query = self.reader.query_raw(read!("stage_durations")).param("tenant", tenant);
        Ok(query.param("definition", definition).param("since_ms", since_ms).fetch_all().await?)
    }

    pub async fn slow_places(
        &self,
        tenant: &str,
        definition: &str,
        since_ms: i64,
    ) -> Result<Vec<SlowPlace>, StoreError> {
        let query = self.reader.query_raw(read!("slow_places")).param("tenant", tenant);
        Ok(query.param("definition", definition).param("since_ms", since_ms).fetch_all().await?)
    }

    pub async fn path_variants(
        &self,
        tenant: &str,
        definition: &str,
        since_ms: i64,
    ) -> Result<Vec<Variant>, StoreError> {
        let query = self.reader.query_raw(read!("path_variants")).param("tenant", tenant);
        Ok(query.param("definition", definition).param("since_ms", since_ms).fetch_all().await?)
    }

    /// Of workflows created in a time, to these milestones.
    pub async fn remaining(
        &self,
        tenant: &str,
        targets: &[String],
        since_ms: i64,
        until_ms: i64,
    ) -> Result<Vec<Remaining>, StoreError> {
        let query = self.reader.query_raw(read!("remaining")).param("tenant", tenant).param("targets", targets);
        Ok(query.param("since_ms", since_ms).param("until_ms", until_ms).fetch_all().await?)
    }

    /// Of workflows created since, to these milestones.
    pub async fn forecast_trials(
        &self,
        tenant: &str,
        targets: &[String],
        since_ms: i64,
    ) -> Result<Vec<Trial>, StoreError> {
        let query = self.reader.query_raw(read!("forecast_trials")).param("tenant", tenant).param("targets", targets);
        Ok(query.param("since_ms", since_ms).param("limit", TRIALS_LIMIT).fetch_all().await?)
    }
}
