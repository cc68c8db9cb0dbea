//! Rows of clocks and of paths: what SLAs, their pages and forecasts are made of.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

/// `slas`: the latest snapshot of each clock (ReplacingMergeTree by `version`).
#[derive(Clone, Debug, Default, PartialEq, Row, Serialize, Deserialize)]
pub struct SlaRow {
    pub tenant: String,
    pub root_type: String,
    pub root_id: String,
    pub definition: String,
    /// The policy, whichever of its narrower cases applied.
    pub policy: String,
    /// What the clock runs for: the root, or one shipment of it.
    pub object_type: String,
    pub object_id: String,
    /// Key of the case that applied, and why.
    pub variant: String,
    /// `duration`, `promise`, `propagation`, `silence`, `completion`
    pub kind: String,
    pub title: String,
    pub why: String,
    /// Milestones; of a propagation the event type and the system that is to know.
    pub from_step: String,
    pub to_step: String,
    /// Whose turn it is.
    pub system: String,
    pub customer: String,
    pub warehouse: String,
    pub carrier: String,
    pub lane: String,
    pub priority: String,
    pub amount: Option<i128>,
    pub currency: String,
    pub calendar: String,
    pub started_ms: i64,
    /// When the start became known here.
    pub known_ms: i64,
    /// Working time that is allowed, and that the clock stood still.
    pub limit_ms: i64,
    pub paused_ms: i64,
    /// From and to of each pause, one after the other.
    pub pauses: Vec<i64>,
    /// Stands still since then.
    pub paused_since_ms: Option<i64>,
    pub warn_ms: i64,
    /// While it stands still: when it would be due if it went on at once.
    pub due_ms: i64,
    pub ended_ms: Option<i64>,
    /// `open`, `at_risk`, `breached`, `met`, `met_late`, `waived`, `cancelled`, `withdrawn`, `gone`
    pub verdict: String,
    /// As it was first known, when the time ran out: `breached`, `met`; empty when that is not yet, or was not known then.
    pub first_verdict: String,
    /// Verdict `open`, `at_risk` or `breached`.
    pub open: bool,
    /// How often it ran out so far (silence: the gaps that were too long).
    pub breaches: u32,
    /// When Milepost first saw the breach.
    pub detected_ms: Option<i64>,
    /// It ran out while Milepost was not running.
    pub detected_late: bool,
    /// What stood in the way when it ran out: kind of an exception, or `waiting`.
    pub cause: String,
    pub forecast_ms: Option<i64>,
    pub forecast_n: u32,
    pub waived_by: String,
    pub waived_reason: String,
    /// Hash of all the rest but the version: the same snapshot is not written twice.
    pub mark: u64,
    pub version: u64,
}

/// `paths`: how each workflow went (ReplacingMergeTree by `version`).
#[derive(Clone, Debug, Default, PartialEq, Row, Serialize, Deserialize)]
pub struct PathRow {
    pub tenant: String,
    pub definition: String,
    pub root_type: String,
    pub root_id: String,
    pub customer: String,
    pub warehouse: String,
    pub carrier: String,
    pub lane: String,
    pub priority: String,
    pub created_ms: i64,
    pub closed: bool,
    /// Milestones that were fully reached, in the order of their times.
    pub steps: Vec<String>,
    pub times: Vec<i64>,
    /// When it came to what figures of weeks count; 0 where it has not.
    pub delivered_ms: i64,
    pub proved_ms: i64,
    pub ready_ms: i64,
    pub invoiced_ms: i64,
    pub paid_ms: i64,
    pub amount: Option<i128>,
    pub currency: String,
    pub cancelled: bool,
    /// `kept`, `late`, empty while it is not decided.
    pub promise: String,
    pub version: u64,
}
