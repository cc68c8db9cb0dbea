//! Figures of weeks: how long it took, what was kept, what is not invoiced yet. Added up from narrow columns of the paths,
//! which are replaced as workflows go on and never added to.

use clickhouse::Row;
use clickhouse::query::Query;
use serde::Deserialize;

use super::{Store, StoreError};

/// Of which workflows; an empty field does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct InsightFilter {
    pub definition: String,
    pub customer: String,
    pub warehouse: String,
    pub carrier: String,
    pub from_ms: i64,
}

/// A week, as days since 1970.
type Day = u16;

/// What `CycleWeek` answers, by its number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cycle {
    ProofToInvoice = 1,
    ReadyToInvoice,
    ToDelivery,
    ToPayment,
}

#[derive(Clone, Debug, PartialEq, Row, Deserialize)]
pub struct CycleWeek {
    pub week: Day,
    /// Number of a `Cycle`.
    pub question: u8,
    #[serde(rename = "n")]
    pub count: u64,
    /// Milliseconds.
    pub p50: f64,
    pub p95: f64,
}

/// A milestone, from the one that was reached before it.
#[derive(Clone, Debug, PartialEq, Row, Deserialize)]
pub struct Stage {
    pub step: String,
    #[serde(rename = "n")]
    pub count: u64,
    pub p50_s: f64,
    pub p95_s: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct YieldWeek {
    pub week: Day,
    #[serde(rename = "n")]
    pub count: u64,
    /// Whose promise is decided; on time and in full; that and without any fault; without fault, promise or not.
    pub promised_n: u64,
    pub kept_n: u64,
    pub perfect_n: u64,
    pub first_pass_n: u64,
}

/// Value by when it was proved and when it was invoiced.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct Unbilled {
    pub currency: String,
    /// The week before those asked for where it is older.
    pub proved: Day,
    /// 0 for what is not invoiced.
    pub invoiced: Day,
    /// Scaled by 10^6.
    pub value_millionths: i128,
    #[serde(rename = "n")]
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Row, Deserialize)]
pub struct RecoveryWeek {
    /// 0 for what has not recovered.
    pub week: Day,
    #[serde(rename = "n")]
    pub count: u64,
    pub p50: f64,
    pub p95: f64,
}

#[derive(Clone, Debug, PartialEq, Row, Deserialize)]
pub struct PlaceFigures {
    pub name: String,
    #[serde(rename = "n")]
    pub count: u64,
    /// Not a number where nothing was invoiced.
    pub invoice_p50: f64,
    pub invoice_p95: f64,
    pub order_p50: f64,
    pub promised_n: u64,
    pub kept_n: u64,
    pub first_pass_n: u64,
}

/// Kinds that say that not all came, or too much.
pub const NOT_FULL: [&str; 2] = ["short_shipment", "over_shipment"];
/// Kinds that are no fault of the work itself: time has figures of its own, what is only awaited may still come, and
/// systems that differ agree again by themselves.
pub const NO_FAULT: [&str; 10] = [
    "sla_at_risk",
    "sla_breached",
    "source_silent",
    "dependency_degraded",
    "missing_pod",
    "late_freight_charge",
    "missing_accrual",
    "unbilled_shipment",
    "held_too_long",
    "status_conflict",
];
/// Kinds by which a transaction has failed.
pub const FAILED: [&str; 3] = ["message_failed", "dead_lettered", "contract_violation"];

impl Store {
    pub async fn insight_cycles(&self, tenant: &str, filter: &InsightFilter) -> Result<Vec<CycleWeek>, StoreError> {
        Ok(narrowed(self.reader.query_raw(read!("insight_cycles")), tenant, filter).fetch_all().await?)
    }

    pub async fn insight_stages(&self, tenant: &str, filter: &InsightFilter) -> Result<Vec<Stage>, StoreError> {
        Ok(narrowed(self.reader.query_raw(read!("insight_stages")), tenant, filter).fetch_all().await?)
    }

    pub async fn insight_yield(&self, tenant: &str, filter: &InsightFilter) -> Result<Vec<YieldWeek>, StoreError> {
        let query = narrowed(self.reader.query_raw(read!("insight_yield")), tenant, filter);
        Ok(query.param("not_full", NOT_FULL.as_slice()).param("no_fault", NO_FAULT.as_slice()).fetch_all().await?)
    }

    pub async fn insight_unbilled(&self, tenant: &str, filter: &InsightFilter) -> Result<Vec<Unbilled>, StoreError> {
        Ok(narrowed(self.reader.query_raw(read!("insight_unbilled")), tenant, filter).fetch_all().await?)
    }

    pub async fn insight_recovery(
        &self,
        tenant: &str,
        filter: &InsightFilter,
    ) -> Result<Vec<RecoveryWeek>, StoreError> {
        let query = narrowed(self.reader.query_raw(read!("insight_recovery")), tenant, filter);
        Ok(query.param("kinds", FAILED.as_slice()).fetch_all().await?)
    }

    /// `by` is `customer`, `warehouse` or `carrier`.
    pub async fn insight_places(
        &self,
        tenant: &str,
        filter: &InsightFilter,
        by: &str,
        limit: u64,
    ) -> Result<Vec<PlaceFigures>, StoreError> {
        let query = narrowed(self.reader.query_raw(read!("insight_places")), tenant, filter)
            .param("by", by)
            .param("limit", limit);
        Ok(query.param("not_full", NOT_FULL.as_slice()).param("no_fault", NO_FAULT.as_slice()).fetch_all().await?)
    }
}

fn narrowed(query: Query, tenant: &str, filter: &InsightFilter) -> Query {
    query
        .param("tenant", tenant)
        .param("definition", &filter.definition)
        .param("customer", &filter.customer)
        .param("warehouse", &filter.warehouse)
        .param("carrier", &filter.carrier)
        .param("from_ms", filter.from_ms)
}
