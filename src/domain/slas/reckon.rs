//! The arithmetic of one clock: working time from its start, less the pauses, until it is used up. It can be told.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, Serializer};

use crate::domain::calendar::Calendar;

/// A stretch during which a clock stands still; no end means that it still does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    pub from: DateTime<Utc>,
    pub to: Option<DateTime<Utc>>,
    pub reason: String,
}

/// All that the due time follows from.
#[derive(Clone, Debug, PartialEq)]
pub struct Reckoning {
    pub calendar: Arc<Calendar>,
    /// As it happened, and where the clock begins by the calendar's cut-off.
    pub set_at: DateTime<Utc>,
    pub begins_at: DateTime<Utc>,
    /// Working time that is allowed.
    pub allowed: TimeDelta,
    /// The due time when nothing stops the clock; it may lie outside working hours (a promise).
    pub plain_due: DateTime<Utc>,
    /// In order, not overlapping.
    pub stops: Vec<Stop>,
    pub due: DateTime<Utc>,
    /// It stands still since then.
    pub standing: Option<DateTime<Utc>>,
    /// The allowance in words: `4 h`, `1 working day`, `until the promised 14:00`.
    pub words: String,
}

impl Reckoning {
    /// None when the calendar has no such working time in the years that it knows.
    pub fn new(
        calendar: &Arc<Calendar>,
        set_at: DateTime<Utc>,
        plain_due: DateTime<Utc>,
        stops: Vec<Stop>,
        words: String,
        as_of: DateTime<Utc>,
    ) -> Option<Self> {
        let begins_at = calendar.begin(set_at)?.min(plain_due.max(set_at));
        let mut reckoning = Self {
            calendar: Arc::clone(calendar),
            set_at,
            begins_at,
            allowed: calendar.between(begins_at, plain_due),
            plain_due,
            stops: merged(stops),
            due: plain_due,
            standing: None,
            words,
        };
        // Only what stops the clock before it has run out.
        reckoning.stops.retain(|stop| stop.to.is_none_or(|to| to > begins_at));
        if !reckoning.stops.is_empty() {
            let (due, standing) = reckoning.reach(reckoning.allowed, as_of)?;
            reckoning.due = due;
            reckoning.standing = standing;
            reckoning.stops.retain(|stop| stop.from < due);
        }
        Some(reckoning)
    }

    /// The moment at which so much working time has passed, and since when the clock stands if it does not get there
    /// without going on: then it is the moment as if it went on at `as_of`.
    pub fn reach(&self, time: TimeDelta, as_of: DateTime<Utc>) -> Option<(DateTime<Utc>, Option<DateTime<Utc>>)> {
        if self.stops.is_empty() && time >= self.allowed {
            return Some((self.plain_due, None));
        }
        let mut left = time;
        let mut at = self.begins_at;
        let mut standing = None;
        let mut stopped = false;
        for stop in &self.stops {
            let from = stop.from.max(at);
            let free = self.calendar.between(at, from);
            if free >= left {
                break;
            }
            left -= free;
            stopped = true;
            standing = if stop.to.is_none() { Some(from) } else { None };
            at = stop.to.unwrap_or(as_of.max(from));
        }
        if !stopped && time >= self.allowed {
            return Some((self.plain_due, None));
        }
        Some((self.calendar.add(at, left)?, standing))
    }

    /// Working time used at a moment.
    pub fn used(&self, at: DateTime<Utc>) -> TimeDelta {
        self.calendar.between(self.begins_at, at) - self.paused(at)
    }

    /// Working time that the clock stood still until a moment.
    pub fn paused(&self, at: DateTime<Utc>) -> TimeDelta {
        self.stops.iter().fold(TimeDelta::zero(), |sum, stop| {
            let to = stop.to.unwrap_or(at).min(at);
            sum + self.calendar.between(stop.from.max(self.begins_at), to)
        })
    }

    /// `Wed 25 Nov 09:10 + 4 h in Berlin hours, paused 25 m for credit hold = Wed 25 Nov 14:35`, in the zone of the
    /// calendar.
    pub fn told(&self) -> String {
        let mut text = self.calendar.said(self.set_at);
        if self.begins_at != self.set_at {
            text += &format!(" (counts from {})", self.calendar.said(self.begins_at));
        }
        if self.words.starts_with("until") {
            text += &format!(" {}", self.words);
        } else {
            text += &format!(" + {}", self.words);
        }
        text += &format!(" in {}", self.calendar.title);
        for stop in &self.stops {
            let to = stop.to.unwrap_or(self.due);
            let time = self.calendar.between(stop.from.max(self.begins_at), to);
            match stop.to {
                Some(_) => text += &format!(", paused {} for {}", spoken(time), stop.reason),
                None => text += &format!(", paused since {} for {}", self.calendar.said(stop.from), stop.reason),
            }
        }
        match self.standing {
            Some(_) => text + ": stands still",
            None => text + &format!(" = {}", self.calendar.said(self.due)),
        }
    }
}

impl Serialize for Reckoning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.told())
    }
}

/// Sorted, and those that touch made one.
fn merged(mut stops: Vec<Stop>) -> Vec<Stop> {
    stops.sort_by_key(|stop| (stop.from, stop.to.is_none(), stop.to));
    let mut merged: Vec<Stop> = Vec::new();
    for stop in stops {
        match merged.last_mut() {
            Some(last) if last.to.is_none_or(|to| stop.from <= to) => {
                last.to = match (last.to, stop.to) {
                    (Some(a), Some(b)) => Some(a.max(b)),
                    _ => None,
                };
                if !last.reason.contains(&stop.reason) {
                    last.reason = format!("{} and {}", last.reason, stop.reason);
                }
            }
            _ => merged.push(stop),
        }
    }
    merged
}

/// `1 d 2 h`, `4 h`, `25 m`, `30 s`.
pub fn spoken(time: TimeDelta) -> String {
    let seconds = time.num_seconds().abs();
    let parts = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let said: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).take(2).map(|(n, unit)| format!("{n} {unit}")).collect();
    if said.is_empty() { "0 s".to_owned() } else { said.join(" ") }
}
