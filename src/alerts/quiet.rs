//! Quiet hours: when messages wait for the morning. In the zone of the people, also over midnight and clock changes.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};

#[derive(Clone, Debug)]
pub struct Quiet {
    pub key: String,
    zone: TimeZone,
    /// Days on which a quiet time begins.
    days: Vec<Weekday>,
    from: Time,
    to: Time,
    /// Severities that are told all the same.
    pub except: BTreeSet<String>,
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl Quiet {
    /// No days means every day; `from` equal to `to` means the whole day.
    pub fn new(key: &str, zone: &str, days: &[&str], from: &str, to: &str) -> Result<Self, String> {
        let found = TimeZoneDatabase::bundled().get(zone).map_err(|_| format!("no time zone `{zone}`"))?;
        let hour = |text: &str| {
            text.parse::<Time>().map_err(|_| format!("`{text}` is no time of day: expected for example `20:00`"))
        };
        let day = |name: &&str| {
            let found = DAYS.iter().find(|(short, _)| short == name);
            found.map(|(_, day)| *day).ok_or_else(|| format!("`{name}` is no day: expected mon, tue, …"))
        };
        let named: Vec<Weekday> = days.iter().map(day).collect::<Result<_, _>>()?;
        let days = if named.is_empty() { DAYS.map(|(_, day)| day).to_vec() } else { named };
        Ok(Self {
            key: key.to_owned(),
            zone: found,
            days,
            from: hour(from)?,
            to: hour(to)?,
            except: BTreeSet::default(),
        })
    }

    pub fn holds(&self, severity: &str, now: DateTime<Utc>) -> bool {
        if self.except.contains(severity) {
            return false;
        }
        let Ok(now) = Timestamp::from_millisecond(now.timestamp_millis()) else { return false };
        let local = now.to_zoned(self.zone.clone());
        let (time, day) = (local.time(), local.weekday());
        if self.from < self.to {
            return self.days.contains(&day) && (self.from..self.to).contains(&time);
        }
        // Over midnight: the evening of a day, and the morning after it.
        self.days.contains(&day) && time >= self.from || self.days.contains(&day.previous()) && time < self.to
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn nights_are_quiet_in_the_zone_of_the_people_on_both_sides_of_a_clock_change() {
        let nights = Quiet::new("n", "Europe/Berlin", &[], "20:00", "06:00").unwrap();
        let cases = [
            ("2026-11-22T18:59:00Z", false),
            ("2026-11-22T19:00:00Z", true),
            ("2026-11-23T04:59:00Z", true),
            ("2026-11-23T05:00:00Z", false),
            // Summer time began at 01:00Z on 29 March.
            ("2026-03-29T03:59:00Z", true),
            ("2026-03-29T04:00:00Z", false),
        ];
        for (at, quiet) in cases {
            assert_eq!(nights.holds("warning", at.parse().unwrap()), quiet, "{at}");
        }
    }

    #[test]
    fn the_morning_belongs_to_the_day_before() {
        let weekend = Quiet::new("w", "UTC", &["sat", "sun"], "00:00", "00:00").unwrap();
        assert!(weekend.holds("", "2026-11-21T12:00:00Z".parse().unwrap()));
        assert!(!weekend.holds("", "2026-11-23T00:00:00Z".parse().unwrap()));
        let friday = Quiet::new("f", "UTC", &["fri"], "22:00", "06:00").unwrap();
        assert!(friday.holds("", "2026-11-21T05:00:00Z".parse().unwrap()));
        assert!(!friday.holds("", "2026-11-20T05:00:00Z".parse().unwrap()));
    }
}
