//! The words of a job: what it goes through, how fast, in which state it and its items are.

use std::sync::atomic::{AtomicU64, Ordering};

use milepost_ingest::ObjectRef;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::edit::Step;
use super::items::Items;
use crate::store::replays::{ReplayItemRow, ReplayRow};

/// Items of one job.
pub const MOST_ITEMS: usize = 100_000;
/// Highest rate that can be asked for, per second.
pub const MOST_RATE: u32 = 10_000;

/// States of a job.
pub const DRAFT: &str = "draft";
pub const SCHEDULED: &str = "scheduled";
pub const RUNNING: &str = "running";
pub const PAUSED: &str = "paused";
/// Stands still by itself: too many failed, or the target wants nothing more.
pub const STOPPED: &str = "stopped";
/// Everything is out; effects are awaited.
pub const SETTLING: &str = "settling";
pub const FINISHED: &str = "finished";
pub const CANCELLED: &str = "cancelled";

pub fn is_over(state: &str) -> bool {
    matches!(state, FINISHED | CANCELLED)
}

/// States of an item.
pub mod item {
    pub const WAITING: &str = "waiting";
    pub const RETRYING: &str = "retrying";
    pub const SENT: &str = "sent";
    pub const PROVEN: &str = "proven";
    pub const NO_EFFECT: &str = "no_effect";
    pub const FAILED: &str = "failed";
    pub const SKIPPED: &str = "skipped";
    pub const CANCELLED: &str = "cancelled";

    pub const ALL: [&str; 8] = [WAITING, RETRYING, SENT, PROVEN, NO_EFFECT, FAILED, SKIPPED, CANCELLED];
    /// What another job may do again.
    pub const REST: [&str; 4] = [NO_EFFECT, FAILED, SKIPPED, CANCELLED];
}

/// The way that payloads take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Through {
    Pipeline,
    Target(String),
}

impl Through {
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("target:") {
            Some(key) if !key.is_empty() => Some(Self::Target(key.to_owned())),
            None if text == "pipeline" => Some(Self::Pipeline),
            _ => None,
        }
    }
}

impl std::fmt::Display for Through {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pipeline => f.write_str("pipeline"),
            Self::Target(key) => write!(f, "target:{key}"),
        }
    }
}

/// Of when the contracts and the mapping are that the pipeline reads by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    #[default]
    Now,
    /// Each payload by those that it was read by when it came.
    Then,
}

impl Of {
    pub fn is_now(&self) -> bool {
        *self == Self::Now
    }
}

/// The choices of the dialog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Per second; 0 for as fast as it goes.
    pub rate: u32,
    /// Under way at the same time; 0 for what the way allows.
    pub at_once: usize,
    /// First 1 %, then 5, 20 and all, each only when the one before went well.
    pub ramp: bool,
    /// Stands still when more than this share fails; 0 for never.
    pub stop_percent: u32,
    pub edit: String,
    pub steps: Vec<Step>,
    #[serde(skip_serializing_if = "Of::is_now")]
    pub of: Of,
    /// Of an action: the root of the workflow on whose page it was asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// Of which request: its key and what stood in it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub asked: String,
}

/// Shares of a job after which a ramp looks back.
pub const RAMP_PERCENT: [usize; 4] = [1, 5, 20, 100];

/// How many items may have gone out before everything so far must have come to an end.
pub fn ramp_limit(count: usize, ramp: bool, settled: usize) -> usize {
    if !ramp {
        return count;
    }
    let limits = RAMP_PERCENT.map(|percent| (count * percent).div_ceil(100));
    limits.into_iter().find(|limit| settled < *limit).unwrap_or(count)
}

/// A job that is going on.
pub struct Job {
    pub row: Mutex<ReplayRow>,
    pub items: Mutex<Items>,
    pub options: Options,
    pub through: Through,
    /// Something was asked of it.
    pub nudge: Notify,
    /// What went out lately, for the line of throughput.
    pub pace: Mutex<Pace>,
}

/// Versions only ever grow, in this process and, by the clock, over all.
pub fn version() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = u64::try_from(chrono::Utc::now().timestamp_micros()).unwrap_or(0);
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(now.max(last + 1))).unwrap_or(now);
    now.max(last + 1)
}

/// Items that came to an outcome in each second, the newest last.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    second: i64,
    seconds: Vec<u32>,
}

const PACE_SECONDS: usize = 120;

impl Pace {
    pub fn note(&mut self, second: i64) {
        if self.second == 0 {
            self.second = second;
        }
        while self.second < second && self.seconds.len() < 100_000 {
            self.second += 1;
            self.seconds.push(0);
        }
        match self.seconds.last_mut() {
            Some(last) => *last += 1,
            None => self.seconds.push(1),
        }
        let excess = self.seconds.len().saturating_sub(PACE_SECONDS);
        self.seconds.drain(..excess);
    }

    pub fn seconds(&self) -> &[u32] {
        &self.seconds
    }

    /// Per second over the last ten.
    pub fn rate(&self) -> u32 {
        let last = &self.seconds[self.seconds.len().saturating_sub(10)..];
        if last.is_empty() { 0 } else { last.iter().sum::<u32>().div_ceil(u32::try_from(last.len()).unwrap_or(1)) }
    }
}

impl Job {
    pub fn new(row: ReplayRow, items: Vec<ReplayItemRow>) -> Self {
        let options = serde_json::from_str(&row.options).unwrap_or_default();
        let through = Through::parse(&row.through).unwrap_or(Through::Pipeline);
        Self {
            row: Mutex::new(row),
            items: Mutex::new(Items::new(items)),
            options,
            through,
            nudge: Notify::new(),
            pace: Mutex::default(),
        }
    }

    pub fn state(&self) -> String {
        self.row.lock().state.clone()
    }

    /// The row with the counts of now and a new version.
    pub fn stamp(&self) -> ReplayRow {
        let mut row = self.row.lock();
        let items = self.items.lock();
        let of = |states: &[&str]| u32::try_from(items.count(states)).unwrap_or(u32::MAX);
        row.proven = of(&[item::PROVEN]);
        row.sent = of(&[item::SENT]);
        row.failed = of(&[item::FAILED, item::NO_EFFECT]);
        row.skipped = of(&[item::SKIPPED, item::CANCELLED]);
        row.version = version();
        row.clone()
    }
}

/// Items about one object go one after the other.
pub fn lane(item: &ReplayItemRow) -> Option<ObjectRef> {
    (!item.object_id.is_empty()).then(|| ObjectRef::new(&item.object_type, &item.object_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_looks_back_after_1_5_20_and_100_percent() {
        assert_eq!(
            [0, 9, 10, 49, 50, 199, 200, 999].map(|done| ramp_limit(1_000, true, done)),
            [10, 10, 50, 50, 200, 200, 1_000, 1_000]
        );
        assert_eq!(ramp_limit(3, true, 0), 1);
        assert_eq!(ramp_limit(3, true, 1), 3);
        assert_eq!(ramp_limit(1_000, false, 0), 1_000);
    }

    #[test]
    fn a_way_is_the_pipeline_or_a_target() {
        for text in ["pipeline", "target:billing"] {
            assert_eq!(Through::parse(text).map(|way| way.to_string()).as_deref(), Some(text));
        }
        for text in ["", "target:", "pipe", "billing"] {
            assert_eq!(Through::parse(text), None);
        }
    }
}
