//! Charts drawn on the server: each a picture with a sentence, and the same figures as a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::Kept;
use crate::pages::words;
use crate::store::PolicyDay;

/// A day of attainment in a row of small bars.
#[derive(Debug, Serialize)]
pub struct Bar {
    pub x: f64,
    /// Height of what was late, and of all; a day without clocks has none.
    pub late: f64,
    pub met: f64,
    pub hint: String,
}

const BAR_STEP: f64 = 4.0;
const BAR_HEIGHT: f64 = 24.0;

pub fn days<'d>(days: impl Iterator<Item = &'d PolicyDay>, today: i64, count: i64) -> Vec<Bar> {
    let by_day: BTreeMap<i64, &PolicyDay> = days.map(|day| (day.day, day)).collect();
    let bar = |place: i64| {
        let day = by_day.get(&(today - count + 1 + place))?;
        let kept = Kept { met: day.met, late: day.late };
        let met = kept.share()? * BAR_HEIGHT;
        let date = jiff::civil::Date::constant(1970, 1, 1).checked_add(jiff::ToSpan::days(day.day)).ok()?;
        let hint = format!("{}: {} of {} in time", date.strftime("%-d %b"), day.met, kept.all());
        Some(Bar { x: place as f64 * BAR_STEP, met: round(met), late: round(BAR_HEIGHT - met), hint })
    };
    (0..count).filter_map(bar).collect()
}

/// Attainment by week as a line.
#[derive(Debug, Serialize)]
pub struct Weeks {
    pub points: Vec<Point>,
    pub path: String,
    pub target: String,
    pub target_y: f64,
    pub floor: String,
    pub summary: String,
}

#[derive(Debug, Serialize)]
pub struct Point {
    pub week: String,
    pub x: f64,
    pub y: f64,
    pub share: String,
    pub of: String,
    pub late: String,
    /// The week is not over.
    pub open: bool,
    pub tone: &'static str,
}

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 140.0;

/// `target` in hundredths of a percent would be exact; a share is enough for a line.
pub fn weeks<'d>(days: impl Iterator<Item = &'d PolicyDay>, today: i64, count: i64, target: f64) -> Weeks {
    // Weeks begin on Monday; day 0 was a Thursday.
    let week = |day: i64| (day + 3).div_euclid(7);
    let (this, first) = (week(today), week(today) - count + 1);
    let mut sums: BTreeMap<i64, Kept> = BTreeMap::new();
    for day in days.filter(|d| week(d.day) >= first) {
        let sum = sums.entry(week(day.day)).or_default();
        (sum.met, sum.late) = (sum.met + day.met, sum.late + day.late);
    }
    let lowest = sums.values().filter_map(|k| k.share()).fold(target, f64::min);
    let floor = ((lowest * 10.0).floor() / 10.0).clamp(0.0, 0.9);
    let y = |share: f64| round(HEIGHT - (share - floor) / (1.0 - floor) * HEIGHT);
    let mut path = String::new();
    let mut points = Vec::new();
    let mut last = None;
    for (number, kept) in &sums {
        let Some(share) = kept.share() else { continue };
        let x = round((number - first) as f64 / (count - 1).max(1) as f64 * WIDTH);
        // A week without clocks is a gap in the line.
        let pen = if last == Some(number - 1) { 'L' } else { 'M' };
        let _ = write!(path, "{pen}{x} {} ", y(share));
        last = Some(*number);
        let monday = jiff::civil::Date::constant(1970, 1, 1).checked_add(jiff::ToSpan::days(number * 7 - 3));
        points.push(Point {
            week: monday.map_or_else(|_| String::new(), |date| date.strftime("%-d %b").to_string()),
            x,
            y: y(share),
            share: kept.said(),
            of: words::count(kept.all()),
            late: words::count(kept.late),
            open: *number == this,
            tone: if share < target { "crit" } else { "" },
        });
    }
    let whole = sums.values().fold(Kept::default(), |a, b| Kept { met: a.met + b.met, late: a.late + b.late });
    let percent = |share: f64| format!("{} %", (share * 1000.0).round() / 10.0);
    Weeks {
        points,
        path,
        target: percent(target),
        target_y: y(target),
        floor: percent(floor),
        summary: match whole.all() {
            0 => "No clock has ended in these weeks.".into(),
            all => format!("{} of {} in time over {count} weeks.", whole.said(), words::plural(all, "clock", "clocks")),
        },
    }
}

/// A horizontal bar with its words; a second, longer one behind it where there is one.
#[derive(Debug, Serialize)]
pub struct Level {
    pub title: String,
    pub width: f64,
    pub wide: f64,
    pub value: String,
    pub also: String,
    pub count: String,
    pub share: String,
    pub href: String,
}

pub const LEVEL_WIDTH: f64 = 240.0;

pub fn part(value: i64, most: i64) -> f64 {
    round(value.max(0) as f64 / most.max(1) as f64 * LEVEL_WIDTH)
}

pub fn percent(part: u64, whole: u64) -> String {
    (part * 100 + whole / 2).checked_div(whole).map_or_else(String::new, |percent| format!("{percent} %"))
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
