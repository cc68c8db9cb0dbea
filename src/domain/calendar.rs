//! Business calendars: when work is done, and arithmetic in working time. A calendar is a value made from a file;
//! the instants that it knows are exact, also where clocks are set forward or back.

mod file;
mod holidays;
mod ical;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

pub use file::Calendars;
pub(in crate::domain) use file::{civil, time_of_day};

/// Days that are looked through for working time before a calendar counts as never open again.
const MAX_DAYS: i32 = 3_660;
const DAY_S: i32 = 86_400;

/// A stretch of one day's local time, in seconds from midnight; the end is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hours {
    pub from: i32,
    pub to: i32,
}

/// A day that is not like the others of its name: closed, or open at other hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Special {
    pub name: String,
    pub hours: Vec<Hours>,
}

/// Whom a calendar is for, when a policy leaves the choice to the site, the customer or the carrier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Serves {
    pub warehouses: Vec<String>,
    pub customers: Vec<String>,
    pub carriers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    pub key: String,
    /// `Berlin hours`: how it is called in a sentence.
    pub title: String,
    pub zone: TimeZone,
    /// Monday first.
    pub week: [Vec<Hours>; 7],
    pub special: BTreeMap<Date, Special>,
    /// What starts on a working day at or after this local time counts from the next one.
    pub cutoff: Option<Time>,
    pub serves: Serves,
    /// Open without a break: arithmetic is that of the clock.
    always: bool,
}

/// An amount of working time as a policy states it: whole working days, then time, then a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    pub working_days: u32,
    pub time: TimeDelta,
    /// At this local time of the day that was reached.
    pub by: Option<Time>,
}

impl Allowance {
    pub fn time(time: TimeDelta) -> Self {
        Self { working_days: 0, time, by: None }
    }
}

impl Calendar {
    /// Around the clock, every day.
    pub fn always() -> Arc<Self> {
        let day = vec![Hours { from: 0, to: DAY_S }];
        Arc::new(Self::new("always", "around the clock", TimeZone::UTC, std::array::from_fn(|_| day.clone())))
    }

    pub fn new(key: &str, title: &str, zone: TimeZone, week: [Vec<Hours>; 7]) -> Self {
        let mut calendar = Self {
            key: key.to_owned(),
            title: title.to_owned(),
            zone,
            week,
            special: BTreeMap::new(),
            cutoff: None,
            serves: Serves::default(),
            always: false,
        };
        calendar.settle();
        calendar
    }

    /// To be called when hours or special days have changed.
    fn settle(&mut self) {
        let whole = |hours: &[Hours]| matches!(hours, [Hours { from: 0, to: DAY_S }]);
        self.always = self.cutoff.is_none()
            && self.week.iter().all(|day| whole(day))
            && self.special.values().all(|day| whole(&day.hours));
    }

    pub fn is_always(&self) -> bool {
        self.always
    }

    /// Name of the zone, `UTC` or `Europe/Berlin`.
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    pub fn hours(&self, date: Date) -> &[Hours] {
        match self.special.get(&date) {
            Some(day) => &day.hours,
            None => &self.week[weekday(date)],
        }
    }

    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        let (date, _) = self.local(at);
        let at = at.timestamp_millis();
        self.spans(date).any(|(from, to)| from <= at && at < to)
    }

    /// The moment itself when it is working time, else the next one that is.
    pub fn next_open(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ms = at.timestamp_millis();
        let (first, _) = self.local(at);
        self.days_from(first).find_map(|date| {
            let (from, _) = self.spans(date).find(|(from, to)| ms < *to && from < to)?;
            instant_of(from.max(ms))
        })
    }

    /// When `time` of working time has passed since `start`: the first such moment. None when there is no such
    /// working time in the years that are looked at.
    pub fn add(&self, start: DateTime<Utc>, time: TimeDelta) -> Option<DateTime<Utc>> {
        if self.always || time <= TimeDelta::zero() {
            return start.checked_add_signed(time);
        }
        let mut left = time.num_milliseconds();
        let start_ms = start.timestamp_millis();
        let (first, _) = self.local(start);
        for date in self.days_from(first) {
            for (from, to) in self.spans(date) {
                let from = from.max(start_ms);
                let length = to - from;
                if length >= left {
                    return instant_of(from + left);
                }
                left -= length.max(0);
            }
        }
        None
    }

    /// Working time from one moment to another; zero when they stand the other way round.
    pub fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        if to <= from {
            return TimeDelta::zero();
        }
        if self.always {
            return to - from;
        }
        let (from_ms, to_ms) = (from.timestamp_millis(), to.timestamp_millis());
        let (first, _) = self.local(from);
        let (last, _) = self.local(to);
        let mut sum = 0;
        let mut date = first;
        loop {
            for (open, close) in self.spans(date) {
                sum += (close.min(to_ms) - open.max(from_ms)).max(0);
            }
            match date.tomorrow() {
                Ok(next) if next <= last => date = next,
                _ => break,
            }
        }
        TimeDelta::milliseconds(sum)
    }

    /// Where a clock begins that was set going at this moment: after the cut-off it is the next working day.
    pub fn begin(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let Some(cutoff) = self.cutoff else { return Some(at) };
        let (date, time) = self.local(at);
        if time < cutoff || self.hours(date).is_empty() {
            return Some(at);
        }
        self.opening(self.after(date)?)
    }

    /// The moment at which an allowance that begins at `start` is used up, pauses apart.
    pub fn due(&self, start: DateTime<Utc>, allowance: &Allowance) -> Option<DateTime<Utc>> {
        let mut at = self.begin(start)?;
        if allowance.working_days > 0 || allowance.by.is_some() {
            at = self.next_open(at)?;
        }
        if allowance.working_days > 0 {
            let (mut date, time) = self.local(at);
            for _ in 0..allowance.working_days {
                date = self.after(date)?;
            }
            // The same time of day, within that day's hours.
            let hours = self.hours(date);
            let (open, close) = (hours.first()?.from, hours.last()?.to);
            at = self.instant(date, seconds(time).clamp(open, close))?;
        }
        at = self.add(at, allowance.time)?;
        match allowance.by {
            None => Some(at),
            Some(by) => {
                let (date, _) = self.local(at);
                Some(self.instant(date, seconds(by))?.max(at))
            }
        }
    }

    /// The name of the holiday or half day on which a moment falls.
    pub fn special_name(&self, at: DateTime<Utc>) -> Option<&str> {
        let (date, _) = self.local(at);
        self.special.get(&date).map(|day| day.name.as_str())
    }

    /// Local date and time of day.
    pub fn local(&self, at: DateTime<Utc>) -> (Date, Time) {
        let zoned = Timestamp::from_millisecond(at.timestamp_millis()).unwrap_or_default().to_zoned(self.zone.clone());
        (zoned.date(), zoned.time())
    }

    /// `Wed 25 Nov 09:10` in the calendar's zone.
    pub fn said(&self, at: DateTime<Utc>) -> String {
        let zoned = Timestamp::from_millisecond(at.timestamp_millis()).unwrap_or_default().to_zoned(self.zone.clone());
        zoned.strftime("%a %-d %b %H:%M").to_string()
    }

    /// The first opening of a working day.
    fn opening(&self, date: Date) -> Option<DateTime<Utc>> {
        self.instant(date, self.hours(date).first()?.from)
    }

    /// The next working day after one.
    fn after(&self, date: Date) -> Option<Date> {
        self.days_from(date.tomorrow().ok()?).find(|d| !self.hours(*d).is_empty())
    }

    fn days_from(&self, first: Date) -> impl Iterator<Item = Date> {
        std::iter::successors(Some(first), |date| date.tomorrow().ok()).take(MAX_DAYS as usize)
    }

    /// Opening and closing instants of a day, in milliseconds.
    fn spans(&self, date: Date) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.hours(date)
            .iter()
            .filter_map(move |hours| Some((self.instant_ms(date, hours.from)?, self.instant_ms(date, hours.to)?)))
    }

    fn instant(&self, date: Date, second: i32) -> Option<DateTime<Utc>> {
        instant_of(self.instant_ms(date, second)?)
    }

    /// The first instant at which the local clock shows this time or a later one. What is skipped in spring takes no
    /// time, what is repeated in autumn counts twice, and adjoining stretches neither overlap nor leave a gap.
    fn instant_ms(&self, date: Date, second: i32) -> Option<i64> {
        let (date, second) = if second >= DAY_S { (date.tomorrow().ok()?, second - DAY_S) } else { (date, second) };
        let local = date.at(0, 0, 0, 0).checked_add(i64::from(second).seconds()).ok()?;
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let at = match ambiguous.offset() {
            AmbiguousOffset::Gap { after, .. } => {
                let before = after.to_timestamp(local).ok()?;
                self.zone.following(before).next()?.timestamp()
            }
            _ => ambiguous.earlier().ok()?,
        };
        Some(at.as_millisecond())
    }
}

fn instant_of(ms: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(ms)
}

fn seconds(time: Time) -> i32 {
    i32::from(time.hour()) * 3_600 + i32::from(time.minute()) * 60 + i32::from(time.second())
}

fn weekday(date: Date) -> usize {
    usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0)
}

/// `mon` → 0. None for anything but the first three letters or the whole English name.
fn weekday_named(name: &str) -> Option<usize> {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let name = name.trim().to_ascii_lowercase();
    DAYS.iter().position(|day| *day == name || day.get(..3) == Some(&*name))
}
