//! Rows of exceptions and of what is told about them.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

/// `exceptions`: each exception with what became of it (ReplacingMergeTree by `version`).
#[derive(Clone, Debug, Default, PartialEq, Row, Serialize, Deserialize)]
pub struct ExceptionRow {
    pub tenant: String,
    /// 16 hexadecimal digits of kind, object and cause.
    pub id: String,
    pub kind: String,
    /// `critical`, `warning`, `info`
    pub severity: String,
    pub object_type: String,
    pub object_id: String,
    /// Root of the workflow that carries it; empty for what stands above workflows.
    pub root_type: String,
    pub root_id: String,
    pub detail: String,
    /// Whose turn it is.
    pub system: String,
    /// Sources of that system that have spoken in the workflow: when one of them is silent, that is the cause.
    pub feeds: Vec<String>,
    pub blocking: bool,
    pub since_ms: i64,
    /// When it was first known.
    pub known_ms: i64,
    /// `open`, `acknowledged`, `snoozed`, `waived`, `closed`
    pub state: String,
    pub closed: bool,
    pub closed_ms: Option<i64>,
    /// The event that cured it, `source id`, and its type or a word.
    pub closed_by: String,
    pub closed_kind: String,
    /// How often it has come.
    pub occurrence: u32,
    pub owner: String,
    pub team: String,
    /// Reason code.
    pub reason: String,
    pub comments: u32,
    pub until_ms: Option<i64>,
    pub acknowledge_by_ms: Option<i64>,
    pub resolve_by_ms: Option<i64>,
    pub customer: String,
    pub warehouse: String,
    pub carrier: String,
    pub orders: u32,
    pub customers: u32,
    /// At stake in the main currency, and in all: `12480.00 EUR`.
    pub amount: Option<i128>,
    pub currency: String,
    pub money: Vec<String>,
    /// Hash of all the rest but the version: the same is not written twice.
    pub mark: u64,
    pub version: u64,
}

/// `alerts`: one cause on one route, with who was told (ReplacingMergeTree by `version`).
#[derive(Clone, Debug, Default, PartialEq, Row, Serialize, Deserialize)]
pub struct AlertRow {
    pub tenant: String,
    pub key: String,
    pub route: String,
    pub title: String,
    pub severity: String,
    /// `waiting`, `firing`, `acknowledged`, `resolved`
    pub state: String,
    pub round: u32,
    pub opened_ms: i64,
    pub changed_ms: i64,
    pub exceptions: u64,
    /// JSON: the last word to each receiver.
    pub told: String,
    pub version: u64,
}

/// `deliveries`: one notice to one receiver, and how it went (ReplacingMergeTree by `version`).
#[derive(Clone, Debug, Default, PartialEq, Row, Serialize, Deserialize)]
pub struct DeliveryRow {
    pub tenant: String,
    pub id: String,
    pub alert: String,
    pub receiver: String,
    /// `email`, `webhook`, `slack`, `teams`, `pagerduty`
    pub channel: String,
    /// `trigger`, `update`, `acknowledge`, `resolve`
    pub action: String,
    pub subject: String,
    /// `waiting`, `sent`, `failed`
    pub state: String,
    pub attempts: u32,
    pub created_ms: i64,
    pub tried_ms: i64,
    pub next_ms: i64,
    /// What the receiver said last.
    pub answer: String,
    /// JSON: what is said, the same at every attempt.
    pub notice: String,
    pub version: u64,
}
