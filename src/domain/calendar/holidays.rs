//! Days that come again: every year on a date, so many days from Easter, or by a rule of iCalendar (RFC 5545). All
//! are worked out to dates once, when a calendar is read.

use chrono::{TimeZone, Utc};
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use rrule::{RRuleSet, Tz};

/// Holidays are known for these years.
pub const FIRST_YEAR: i16 = 2000;
pub const LAST_YEAR: i16 = 2079;
/// Days that one rule may give; more is a mistake.
const MAX_DAYS: u16 = 20_000;

/// `12-25` of every year. 29 February only where there is one.
pub fn yearly(text: &str) -> Option<Vec<Date>> {
    let (month, day) = text.split_once('-')?;
    let (month, day): (i8, i8) = (month.parse().ok()?, day.parse().ok()?);
    // Checked against a leap year, so that 29 February is a day.
    Date::new(2000, month, day).ok()?;
    Some((FIRST_YEAR..=LAST_YEAR).filter_map(|year| Date::new(year, month, day).ok()).collect())
}

/// So many days after Easter Sunday of the western churches, before it when negative.
pub fn by_easter(offset: i16) -> Vec<Date> {
    (FIRST_YEAR..=LAST_YEAR).filter_map(|year| easter(year)?.checked_add(i64::from(offset).days()).ok()).collect()
}

/// Easter Sunday by the anonymous Gregorian algorithm (Meeus, Jones, Butcher).
fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let f = (b + 8) / 25;
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let day = h + l - 7 * m + 114;
    Date::new(year, i8::try_from(day / 31).ok()?, i8::try_from(day % 31 + 1).ok()?).ok()
}

/// Days by an RFC 5545 rule (`FREQ=YEARLY;BYMONTH=11;BYDAY=4TH`) that begins at a date. The rule sees dates as midnights
/// in UTC and no zone, since the tables of zones that the reader carries are old.
pub fn by_rule(rule: &str, start: Date) -> Result<Vec<Date>, String> {
    let rule = rule.strip_prefix("RRULE:").unwrap_or(rule).trim();
    let text = format!("DTSTART:{}T000000Z\nRRULE:{rule}", start.strftime("%Y%m%d"));
    let set: RRuleSet = text.parse().map_err(|error| format!("`{rule}` is no rule: {error}"))?;
    let end = Tz::UTC.with_ymd_and_hms(i32::from(LAST_YEAR), 12, 31, 0, 0, 0).single();
    let set = end.map_or(set.clone(), |end| set.before(end));
    let found = set.all(MAX_DAYS);
    if found.limited {
        return Err(format!("`{rule}` gives more than {MAX_DAYS} days"));
    }
    let date = |at: chrono::DateTime<Tz>| {
        let at = at.with_timezone(&Utc).date_naive();
        use chrono::Datelike;
        Date::new(i16::try_from(at.year()).ok()?, i8::try_from(at.month()).ok()?, i8::try_from(at.day()).ok()?).ok()
    };
    Ok(found.dates.into_iter().filter_map(date).collect())
}

/// The weekday on which a holiday is kept that falls on a weekend: the `nearest`, or the `next` that is free.
pub fn observed(date: Date, how: &str, taken: impl Fn(Date) -> bool) -> Date {
    let step = |date: Date, days: i64| date.checked_add(days.days()).unwrap_or(date);
    match (how, date.weekday()) {
        ("nearest", Weekday::Saturday) => step(date, -1),
        ("nearest", Weekday::Sunday) => step(date, 1),
        ("next", Weekday::Saturday | Weekday::Sunday) => {
            let weekend = |d: Date| matches!(d.weekday(), Weekday::Saturday | Weekday::Sunday);
            let mut day = date;
            while weekend(day) || (day != date && taken(day)) {
                day = step(day, 1);
            }
            day
        }
        _ => date,
    }
}
