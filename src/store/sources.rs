//! How each source is doing, and which tenants there are.

use chrono::Utc;
use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};

/// A source's last hour and day.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct SourceSummary {
    pub source: String,
    pub system: String,
    /// Doors and forms that it used, `otlp/logs`.
    pub forms: Vec<String>,
    pub hour_events: u64,
    pub hour_records: u64,
    pub hour_duplicates: u64,
    pub hour_refused: u64,
    pub hour_errors: u64,
    pub day_events: u64,
    pub day_records: u64,
    pub day_duplicates: u64,
    pub day_refused: u64,
    pub day_errors: u64,
    pub day_bytes: u64,
    /// Of received - occurred.
    pub hour_lag_avg_ms: i64,
    pub hour_lag_max_ms: i64,
    pub day_lag_avg_ms: i64,
    pub last_ms: i64,
    /// Events in each of the last 60 minutes, oldest first; the last is the running one.
    pub series: Vec<u64>,
    pub refused_series: Vec<u64>,
    /// 95 in 100 pauses between minutes with events are no longer than this; 0 when there were too few.
    pub usual_gap_ms: i64,
    /// Event types seen with their contract version, `shipment.shipped@1`.
    pub contracts: Vec<String>,
    /// Sizes of the lag that 50 and 95 in 100 events of the hour had at most: see `rows::ms_of`.
    pub hour_lag_p50: u8,
    pub hour_lag_p95: u8,
    /// Events of the hour that tell a lag: those that came as history do not.
    pub hour_lagged: u64,
    /// The same of half of the events in the last minute that had any.
    pub now_lag_p50: u8,
    pub hour_late: u64,
    /// Events from the future, and how far.
    pub hour_ahead: u64,
    pub hour_ahead_max_ms: i64,
}

impl Store {
    /// Every source that sent anything in the last day.
    pub async fn sources(&self, tenant: &str) -> Result<Vec<SourceSummary>, StoreError> {
        self.sources_as_of(tenant, Utc::now().timestamp_millis()).await
    }

    pub async fn sources_as_of(&self, tenant: &str, as_of_ms: i64) -> Result<Vec<SourceSummary>, StoreError> {
        let query = self.reader.query_raw(read!("sources")).param("tenant", tenant);
        Ok(query.param("as_of_ms", as_of_ms).fetch_all().await?)
    }

    pub async fn tenants(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.reader.query_raw(read!("tenants")).fetch_all().await?)
    }
}

/// A system that others call, in its last hour and day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct DependencySummary {
    pub dependency: String,
    /// Sources that call it.
    pub callers: Vec<String>,
    pub hour_calls: u64,
    pub hour_errors: u64,
    pub day_calls: u64,
    pub day_errors: u64,
    /// Sizes of the time that calls took: see `rows::ms_of`.
    pub hour_p50: u8,
    pub hour_p95: u8,
    pub day_p95: u8,
    pub hour_max_ms: i64,
    pub last_ms: i64,
    /// Calls in each of the last 60 minutes, oldest first.
    pub series: Vec<u64>,
    pub error_series: Vec<u64>,
}

/// How a dependency does now, and its usual band.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct DependencyBand {
    pub dependency: String,
    pub quarter_calls: u64,
    pub quarter_errors: u64,
    /// Sizes of the time that calls took: see `rows::ms_of`.
    pub quarter_p95: u64,
    pub hour_calls: u64,
    pub hour_errors: u64,
    pub hour_p95: u64,
    /// Earlier hours from which the band is taken.
    pub usual_hours: u64,
    pub usual_errors_ppm: u64,
    pub usual_p95: u64,
}

/// The event with which a source spoke again.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct FirstWord {
    pub source: String,
    pub event_id: String,
    pub event_type: String,
    pub received_ms: i64,
}

/// What a source sent at this hour before: on the same weekdays, and on the days before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct UsualHour {
    pub source: String,
    pub weeks: Vec<u64>,
    pub days_before: Vec<u64>,
}

/// A quarter of an hour of a source or dependency, today or as many days ago.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct Slot {
    /// When it was, had it been today.
    pub slot_ms: i64,
    pub days_ago: i64,
    /// Events, or calls.
    pub events: u64,
    /// Refused records, or failed calls.
    pub refused: u64,
    pub duplicates: u64,
    pub late: u64,
    pub lag_p50: u8,
    pub lag_p95: u8,
}

/// How the open workflows of a carrier stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct CarrierSummary {
    pub carrier: String,
    pub open: u64,
    pub breached: u64,
    pub at_risk: u64,
    pub on_the_way: u64,
    /// When it was heard last; 0 for never.
    pub last_ms: i64,
}

/// How many shipments are known to billing or finance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct Reach {
    pub shipped: u64,
    #[serde(rename = "known_there")]
    pub known: u64,
    /// Not known there, and shipped so lately that they need not be yet.
    pub fresh: u64,
    /// The oldest that are not, with the time at which they were shipped.
    pub missing: Vec<String>,
    pub missing_since: Vec<i64>,
}

/// What became of invoices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct InvoiceFailures {
    pub triggered: u64,
    pub issued: u64,
    pub failed: u64,
    pub invoices: u64,
    pub fingerprints: Vec<String>,
}

const CARRIERS: u64 = 50;

impl Store {
    pub async fn dependencies(&self, tenant: &str, as_of_ms: i64) -> Result<Vec<DependencySummary>, StoreError> {
        let query = self.reader.query_raw(read!("dependencies")).param("tenant", tenant);
        Ok(query.param("as_of_ms", as_of_ms).fetch_all().await?)
    }

    pub async fn first_word(&self, tenant: &str, source: &str, since_ms: i64) -> Result<Option<FirstWord>, StoreError> {
        let query = self.reader.query_raw(read!("first_word")).param("tenant", tenant).param("of_source", source);
        Ok(query.param("since_ms", since_ms).fetch_optional().await?)
    }

    /// The event by which a source was understood again that had been refused for one cause.
    pub async fn first_good(&self, tenant: &str, group: u64) -> Result<Option<FirstWord>, StoreError> {
        let query = self.reader.query_raw(read!("first_good")).param("tenant", tenant).param("group", group);
        Ok(query.fetch_optional().await?)
    }

    /// Hours with fewer than `enough` calls do not count for the band.
    pub async fn dependency_bands(
        &self,
        tenant: &str,
        enough: u64,
        as_of_ms: i64,
    ) -> Result<Vec<DependencyBand>, StoreError> {
        let query = self.reader.query_raw(read!("dependency_bands")).param("tenant", tenant);
        Ok(query.param("enough", enough).param("as_of_ms", as_of_ms).fetch_all().await?)
    }

    pub async fn source_usual(&self, tenant: &str, as_of_ms: i64) -> Result<Vec<UsualHour>, StoreError> {
        let query = self.reader.query_raw(read!("source_usual")).param("tenant", tenant);
        Ok(query.param("as_of_ms", as_of_ms).fetch_all().await?)
    }

    /// The last day by quarter hours, and the same times of the four weeks before.
    pub async fn source_slots(&self, tenant: &str, source: &str, as_of_ms: i64) -> Result<Vec<Slot>, StoreError> {
        let query = self.reader.query_raw(read!("source_slots")).param("tenant", tenant).param("of_source", source);
        Ok(query.param("as_of_ms", as_of_ms).fetch_all().await?)
    }

    pub async fn dependency_slots(&self, tenant: &str, name: &str, as_of_ms: i64) -> Result<Vec<Slot>, StoreError> {
        let query = self.reader.query_raw(read!("dependency_slots")).param("tenant", tenant);
        Ok(query.param("of_dependency", name).param("as_of_ms", as_of_ms).fetch_all().await?)
    }

    pub async fn carriers(&self, tenant: &str) -> Result<Vec<CarrierSummary>, StoreError> {
        let query = self.reader.query_raw(read!("carriers")).param("tenant", tenant);
        Ok(query.param("limit", CARRIERS).fetch_all().await?)
    }

    pub async fn reach(&self, tenant: &str, since_ms: i64, now_ms: i64) -> Result<Reach, StoreError> {
        let query = self.reader.query_raw(read!("reach")).param("tenant", tenant);
        Ok(query.param("since_ms", since_ms).param("now_ms", now_ms).fetch_one().await?)
    }

    pub async fn invoice_failures(&self, tenant: &str, since_ms: i64) -> Result<InvoiceFailures, StoreError> {
        let query = self.reader.query_raw(read!("invoice_failures")).param("tenant", tenant);
        Ok(query.param("since_ms", since_ms).fetch_one().await?)
    }
}
