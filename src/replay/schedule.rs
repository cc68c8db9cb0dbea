//! When to try again: the published schedule of Standard Webhooks unless a target names another, spread a little so
//! that many do not come back together, and never before the receiver asked.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Standard Webhooks: waits before each attempt after the first, 75 h 35 min 5 s in all.
pub const STANDARD_S: [u64; 9] =
    [5, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600, 14 * 3_600, 20 * 3_600, 24 * 3_600];
/// Share of a wait by which it is shortened or lengthened.
pub const JITTER_PERCENT: u64 = 10;
/// No receiver may ask for more.
const MOST_RETRY_AFTER_S: u64 = 24 * 3_600;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    waits: Vec<Duration>,
    jitter_percent: u64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new(STANDARD_S.map(Duration::from_secs).to_vec(), JITTER_PERCENT)
    }
}

impl Schedule {
    pub fn new(waits: Vec<Duration>, jitter_percent: u64) -> Self {
        Self { waits, jitter_percent: jitter_percent.min(100) }
    }

    /// How many times it is tried in all.
    pub fn attempts(&self) -> usize {
        self.waits.len() + 1
    }

    /// The wait after `made` attempts; None when there is to be no other. `dice` is any number: the same number gives
    /// the same wait. What the receiver asked for (`Retry-After`) lengthens a wait, never shortens it.
    pub fn wait(&self, made: usize, asked: Option<Duration>, dice: u64) -> Option<Duration> {
        let wait = *self.waits.get(made.checked_sub(1)?)?;
        Some(spread(wait, self.jitter_percent, dice).max(asked.unwrap_or_default()))
    }
}

/// Evenly between `percent` less and `percent` more.
fn spread(wait: Duration, percent: u64, dice: u64) -> Duration {
    let wait_us = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX / 200);
    let reach = wait_us / 100 * percent;
    let off = if reach == 0 { 0 } else { dice % (2 * reach + 1) };
    Duration::from_micros(wait_us - reach + off)
}

/// Reads `Retry-After`: seconds, or an HTTP date.
pub fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    let seconds = match value.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let at = DateTime::parse_from_rfc2822(value).ok()?;
            u64::try_from((at.with_timezone(&Utc) - now).num_seconds()).unwrap_or(0)
        }
    };
    Some(Duration::from_secs(seconds.min(MOST_RETRY_AFTER_S)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_standard_schedule_takes_75_hours_35_minutes_and_5_seconds() {
        assert_eq!(STANDARD_S.iter().sum::<u64>(), 75 * 3_600 + 35 * 60 + 5);
        assert_eq!(Schedule::default().attempts(), 10);
        assert_eq!(Schedule::default().wait(10, None, 0), None);
    }

    #[test]
    fn what_the_receiver_asks_lengthens_a_wait_and_never_shortens_it() {
        let schedule = Schedule::default();
        assert_eq!(schedule.wait(1, Some(Duration::from_secs(3_600)), 0), Some(Duration::from_secs(3_600)));
        assert!(schedule.wait(2, Some(Duration::from_secs(1)), 0) >= Some(Duration::from_secs(270)));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-22T10:00:00Z").expect("a time").to_utc();
        let seconds = |text| retry_after(text, now).map(|d| d.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("Sun, 22 Nov 2026 10:01:00 GMT"), Some(60));
        assert_eq!(seconds("Sun, 22 Nov 2026 09:00:00 GMT"), Some(0));
        assert_eq!(seconds("99999999999"), Some(86_400));
        assert_eq!(seconds("soon"), None);
    }

    proptest! {
        #[test]
        fn a_wait_is_within_ten_percent_of_the_schedule(made in 1_usize..10, dice: u64) {
            let wait = Schedule::default().wait(made, None, dice).expect("one more").as_micros();
            let wanted = u128::from(STANDARD_S[made - 1]) * 1_000_000;
            prop_assert!(wait * 10 >= wanted * 9 && wait * 10 <= wanted * 11, "{wait} of {wanted}");
        }
    }
}
