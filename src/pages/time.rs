//! Times as people read them: a zone, a format per distance, countdowns. The machine-readable form stays beside.

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::Serialize;

use super::words;

/// The moment and the zone a page is shown in.
#[derive(Clone, Debug)]
pub struct Clock {
    pub now_ms: i64,
    zone: TimeZone,
    pub zone_name: String,
}

/// One `<time>`: what it says, its exact form, and its age.
#[derive(Clone, Debug, Default, Serialize, PartialEq)]
pub struct Time {
    pub ms: i64,
    pub iso: String,
    pub text: String,
    pub full: String,
    pub ago: String,
}

/// A due time with its countdown. `tone` is `crit`, `risk` or empty.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub struct Due {
    pub ms: i64,
    pub iso: String,
    pub at: String,
    pub left: String,
    pub tone: &'static str,
    pub full: String,
}

impl Clock {
    /// In the named zone of the bundled tables; `None` when there is no such zone.
    pub fn new(now_ms: i64, zone: &str) -> Option<Self> {
        let found = if zone.eq_ignore_ascii_case("utc") {
            TimeZone::UTC
        } else {
            TimeZoneDatabase::bundled().get(zone).ok()?
        };
        let zone_name = found.iana_name().unwrap_or("UTC").to_owned();
        Some(Self { now_ms, zone: found, zone_name })
    }

    pub fn utc(now_ms: i64) -> Self {
        Self { now_ms, zone: TimeZone::UTC, zone_name: "UTC".into() }
    }

    fn format(&self, ms: i64, how: &str) -> String {
        Timestamp::from_millisecond(ms)
            .map(|at| at.to_zoned(self.zone.clone()).strftime(how).to_string())
            .unwrap_or_default()
    }

    /// The moment of the page to the second, as senders write it.
    pub fn iso_now(&self) -> String {
        Timestamp::from_millisecond(self.now_ms).map(|at| format!("{at:.0}")).unwrap_or_default()
    }

    pub fn iso(ms: i64) -> String {
        Timestamp::from_millisecond(ms).map(|at| format!("{at:.3}")).unwrap_or_default()
    }

    /// Today `10:42:07`, this year `22 Nov 10:42`, else `2025-11-22`.
    pub fn text(&self, ms: i64) -> String {
        let day = self.format(ms, "%F");
        let today = self.format(self.now_ms, "%F");
        if day == today {
            self.format(ms, "%T")
        } else if day.get(..4) == today.get(..4) {
            self.format(ms, "%-d %b %H:%M")
        } else {
            day
        }
    }

    /// `10:42`, with the day when it is not today.
    pub fn short(&self, ms: i64) -> String {
        if self.format(ms, "%F") == self.format(self.now_ms, "%F") {
            self.format(ms, "%H:%M")
        } else {
            self.format(ms, "%-d %b %H:%M")
        }
    }

    /// The last time that it was so late (`06:00`) in this zone.
    pub fn last(&self, time: &str) -> Option<i64> {
        let time = time.parse::<jiff::civil::Time>().ok()?;
        let now = Timestamp::from_millisecond(self.now_ms).ok()?.to_zoned(self.zone.clone());
        let today = now.date().to_datetime(time).to_zoned(self.zone.clone()).ok()?;
        let last = if today > now { today.yesterday().ok()? } else { today };
        Some(last.timestamp().as_millisecond())
    }

    /// The moment when a clock on the wall of this zone shows `2026-11-22T10:00`, as a form of a browser says it.
    pub fn moment(&self, wall: &str) -> Option<i64> {
        let wall = wall.parse::<jiff::civil::DateTime>().ok()?;
        Some(wall.to_zoned(self.zone.clone()).ok()?.timestamp().as_millisecond())
    }

    /// When the day that is so many days from today begins in this zone.
    pub fn day_start(&self, from_today: i64) -> i64 {
        let start = Timestamp::from_millisecond(self.now_ms).ok().and_then(|now| {
            let today = now.to_zoned(self.zone.clone()).date();
            let day = today.checked_add(jiff::ToSpan::days(from_today)).ok()?;
            Some(day.to_zoned(self.zone.clone()).ok()?.timestamp().as_millisecond())
        });
        start.unwrap_or(self.now_ms)
    }

    pub fn hour(&self, ms: i64) -> String {
        self.format(ms, "%H:%M")
    }

    pub fn day(&self, ms: i64) -> String {
        self.format(ms, "%-d %b")
    }

    pub fn full(&self, ms: i64) -> String {
        self.format(ms, "%F %T.%3f %Z (%:z)")
    }

    /// With the offset, as files have it: `2026-11-22T10:42:07+01:00`.
    pub fn stamp(&self, ms: i64) -> String {
        self.format(ms, "%FT%T%:z")
    }

    /// What the wall clock of the zone shows, counted as if that were UTC.
    pub fn wall_ms(&self, ms: i64) -> i64 {
        let offset = Timestamp::from_millisecond(ms).map(|at| self.zone.to_offset(at).seconds());
        ms + offset.map_or(0, |seconds| i64::from(seconds) * 1000)
    }

    pub fn time(&self, ms: i64) -> Time {
        Time { ms, iso: Self::iso(ms), text: self.text(ms), full: self.full(ms), ago: self.ago(ms) }
    }

    pub fn ago(&self, ms: i64) -> String {
        let age = self.now_ms - ms;
        if age >= 0 { format!("{} ago", words::about(age)) } else { format!("in {}", words::about(age)) }
    }

    /// `10:42`, or only the day when it is not today: for narrow columns.
    pub fn brief(&self, ms: i64) -> String {
        let today = self.format(ms, "%F") == self.format(self.now_ms, "%F");
        self.format(ms, if today { "%H:%M" } else { "%-d %b" })
    }

    /// More than a day: the date. Then `h:mm`, below ten minutes `mm:ss`, and `+h:mm` when it is over.
    pub fn due(&self, ms: i64, warn_ms: Option<i64>) -> Due {
        let left = ms - self.now_ms;
        let tone = match left {
            ..=0 => "crit",
            _ if warn_ms.is_some_and(|warn| warn <= self.now_ms) => "risk",
            _ => "",
        };
        Due { ms, iso: Self::iso(ms), at: self.short(ms), left: countdown(left), tone, full: self.full(ms) }
    }
}

/// The same rules stand in static/live.js, which ticks between two renderings.
pub fn countdown(left_ms: i64) -> String {
    let seconds = left_ms.abs() / 1000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match left_ms {
        ..=0 if hours >= 48 => format!("+{} d {} h", hours / 24, hours % 24),
        ..=0 => format!("+{hours}:{minutes:02}"),
        _ if hours >= 24 => format!("{} d {} h", hours / 24, hours % 24),
        _ if seconds >= 600 => format!("{hours}:{minutes:02}"),
        _ => format!("{minutes:02}:{:02}", seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const NOON: i64 = 1_795_348_800_000; // 2026-11-22T12:00:00Z

    #[test]
    fn one_format_per_distance_in_the_zone_of_the_reader() {
        let clock = Clock::new(NOON, "America/Chicago").unwrap();
        assert_eq!(clock.text(NOON), "06:00:00");
        assert_eq!(clock.text(NOON - 86_400_000), "21 Nov 06:00");
        assert_eq!(clock.text(NOON - 400 * 86_400_000), "2025-10-18");
        assert_eq!(Clock::iso(NOON), "2026-11-22T12:00:00.000Z");
        assert_eq!(clock.full(NOON), "2026-11-22 06:00:00.000 CST (-06:00)");
        assert!(Clock::new(NOON, "../../etc/passwd").is_none());
    }

    #[test]
    fn a_day_begins_at_midnight_of_the_reader_also_when_clocks_are_set() {
        let clock = Clock::new(1_792_836_000_000, "Europe/Berlin").unwrap(); // 2026-10-24T10:00:00Z
        assert_eq!(Clock::iso(clock.day_start(0)), "2026-10-23T22:00:00.000Z");
        assert_eq!(Clock::iso(clock.day_start(1)), "2026-10-24T22:00:00.000Z");
        assert_eq!(clock.day_start(2) - clock.day_start(1), 25 * 3_600_000);
    }

    #[test]
    fn countdowns_follow_their_distance() {
        assert_eq!(countdown(5_000), "00:05");
        assert_eq!(countdown(599_000), "09:59");
        assert_eq!(countdown(3_720_000), "1:02");
        assert_eq!(countdown(100_000_000), "1 d 3 h");
        assert_eq!(countdown(-11_400_000), "+3:10");
    }

    #[test]
    fn times_that_no_calendar_holds_are_shown_as_nothing() {
        let clock = Clock::utc(NOON);
        assert_eq!(clock.time(i64::MAX).text, "");
        assert_eq!(Clock::iso(i64::MIN), "");
    }
}
