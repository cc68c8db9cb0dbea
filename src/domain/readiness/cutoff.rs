//! When invoices are made, where that is not at once: every day, week or month at a time of a zone.

use chrono::{DateTime, Utc};
use jiff::civil::{Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

#[derive(Clone, Debug, PartialEq)]
pub struct CutOff {
    every: Every,
    time: Time,
    zone: TimeZone,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Every {
    Day,
    Week(Weekday),
    /// The last day where the month is shorter.
    Month(i8),
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

impl CutOff {
    /// `daily 18:00 Europe/Berlin`, `weekly fri 18:00 ZONE`, `monthly 25 18:00 ZONE`, `month_end 18:00 ZONE`; `none` is none.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        let wrong = || {
            format!(
                "`{text}` is no cut-off: expected `daily 18:00 Europe/Berlin`, `weekly fri …`, `monthly 25 …`, `month_end …` or `none`"
            )
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let (every, time, zone) = match *words {
            ["none"] => return Ok(None),
            ["daily", time, zone] => (Every::Day, time, zone),
            ["month_end", time, zone] => (Every::Month(31), time, zone),
            ["weekly", day, time, zone] => {
                let day = DAYS.iter().find(|(name, _)| *name == day).ok_or_else(wrong)?;
                (Every::Week(day.1), time, zone)
            }
            ["monthly", day, time, zone] => {
                let day = day.parse::<i8>().ok().filter(|d| (1..=31).contains(d)).ok_or_else(wrong)?;
                (Every::Month(day), time, zone)
            }
            _ => return Err(wrong()),
        };
        let time = Time::strptime("%H:%M", time).map_err(|_| wrong())?;
        let zone = TimeZoneDatabase::bundled().get(zone).map_err(|_| format!("there is no time zone `{zone}`"))?;
        Ok(Some(Self { every, time, zone, text: text.to_owned() }))
    }

    /// The first cut-off at or after a moment. None beyond the calendar.
    pub fn after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let at = Timestamp::from_millisecond(at.timestamp_millis()).ok()?;
        let mut day = at.to_zoned(self.zone.clone()).date();
        for _ in 0..64 {
            let meant = match self.every {
                Every::Day => true,
                Every::Week(weekday) => day.weekday() == weekday,
                Every::Month(number) => day.day() == number.min(day.days_in_month()),
            };
            if meant {
                // In a gap of the clock the moment after it.
                let cut = day.to_datetime(self.time).to_zoned(self.zone.clone()).ok()?.timestamp();
                if cut >= at {
                    return DateTime::from_timestamp_millis(cut.as_millisecond());
                }
            }
            day = day.checked_add(1.day()).ok()?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn next(cut_off: &str, at: &str) -> String {
        let cut_off = CutOff::parse(cut_off).unwrap().unwrap();
        cut_off.after(at.parse().unwrap()).unwrap().to_rfc3339()
    }

    #[test]
    fn the_next_cut_off_is_told_in_its_zone() {
        // By hand; Berlin is UTC+1 in winter and UTC+2 in summer.
        let cases = [
            ("daily 18:00 Europe/Berlin", "2026-11-25T16:59:00Z", "2026-11-25T17:00:00+00:00"),
            ("daily 18:00 Europe/Berlin", "2026-11-25T17:00:00Z", "2026-11-25T17:00:00+00:00"),
            ("daily 18:00 Europe/Berlin", "2026-11-25T17:00:01Z", "2026-11-26T17:00:00+00:00"),
            ("weekly fri 12:00 Europe/Berlin", "2026-11-25T17:00:01Z", "2026-11-27T11:00:00+00:00"),
            ("monthly 25 18:00 UTC", "2026-11-25T18:00:01Z", "2026-12-25T18:00:00+00:00"),
            ("month_end 18:00 UTC", "2027-02-01T00:00:00Z", "2027-02-28T18:00:00+00:00"),
            ("monthly 31 18:00 America/Chicago", "2026-11-25T00:00:00Z", "2026-12-01T00:00:00+00:00"),
            // 2:30 does not exist on 28 March 2027; the clock shows 3:30 then.
            ("daily 02:30 Europe/Berlin", "2027-03-28T00:00:00Z", "2027-03-28T01:30:00+00:00"),
        ];
        for (cut_off, at, expected) in cases {
            assert_eq!(next(cut_off, at), expected, "{cut_off} after {at}");
        }
    }

    #[test]
    fn what_is_no_cut_off_is_refused() {
        assert_eq!(CutOff::parse("none"), Ok(None));
        for bad in
            ["", "daily", "daily 25:00 UTC", "weekly xxx 10:00 UTC", "monthly 0 10:00 UTC", "daily 10:00 Mars/Dome"]
        {
            assert!(CutOff::parse(bad).is_err(), "{bad}");
        }
    }
}
