//! When orders come in, and the whole of what is said about them in order of sending. Pure: what time it is, is an argument.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};

use super::dice::Dice;
use super::story::{CHAPTER, Plot, Said, chapter};

/// Orders that came in between two moments, at the hours at which people order, and what was and will be said of them.
pub fn history(plot: &Plot, from: DateTime<Utc>, to: DateTime<Utc>, orders: u64) -> Timeline {
    let mut timeline = Timeline::default();
    let arrivals = arrivals(plot.seed, from, to, orders);
    for (number, starts) in (0..).zip(arrivals.chunks(usize::try_from(CHAPTER).unwrap_or(1))) {
        timeline.add(chapter(plot, number, starts));
    }
    timeline
}

/// What is to be said, in order of sending; what is to be said at the same moment, in order of being told.
#[derive(Debug, Default)]
pub struct Timeline {
    pending: BTreeMap<(DateTime<Utc>, u64), Said>,
    told: u64,
}

impl Timeline {
    pub fn add(&mut self, said: impl IntoIterator<Item = Said>) {
        for one in said {
            self.pending.insert((one.sent_at, self.told), one);
            self.told += 1;
        }
    }

    /// Takes out all that is due.
    pub fn due(&mut self, now: DateTime<Utc>) -> Vec<Said> {
        let later = self.pending.split_off(&(now + TimeDelta::milliseconds(1), 0));
        std::mem::replace(&mut self.pending, later).into_values().collect()
    }

    pub fn next_at(&self) -> Option<DateTime<Utc>> {
        self.pending.keys().next().map(|(at, _)| *at)
    }

    pub fn len(&self) -> usize {
        self.pending.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

/// Moments at which orders come in: evenly by the weight of the hours, with some jitter.
fn arrivals(seed: u64, from: DateTime<Utc>, to: DateTime<Utc>, count: u64) -> Vec<DateTime<Utc>> {
    let mut dice = Dice::new(seed, "arrivals", count);
    let hours: Vec<DateTime<Utc>> =
        std::iter::successors(Some(from), |h| Some(*h + TimeDelta::hours(1))).take_while(|h| *h < to).collect();
    let weights: Vec<u64> = hours.iter().map(|h| weight(*h)).collect();
    let total: u64 = weights.iter().sum::<u64>().max(1);
    let mut moments = Vec::new();
    let mut passed = 0;
    for (hour, weight) in hours.iter().zip(&weights) {
        let before = passed * count / total;
        passed += weight;
        let length = (to - *hour).min(TimeDelta::hours(1)).num_milliseconds();
        for _ in before..passed * count / total {
            let into = dice.between(0, u64::try_from(length - 1).unwrap_or_default());
            moments.push(*hour + TimeDelta::milliseconds(i64::try_from(into).unwrap_or_default()));
        }
    }
    moments.sort();
    moments
}

/// How busy an hour is: offices by day, a web shop in the evening, little at night and on Sundays.
fn weight(at: DateTime<Utc>) -> u64 {
    let of_day = match at.hour() {
        6..=7 => 6,
        8..=11 => 14,
        12..=15 => 12,
        16..=18 => 8,
        19..=21 => 4,
        _ => 1,
    };
    match at.weekday() {
        chrono::Weekday::Sun => of_day.min(2),
        chrono::Weekday::Sat => of_day / 3 + 1,
        _ => of_day,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::simulate::story::Pace;
    use crate::simulate::troubles::Mix;

    fn week() -> (DateTime<Utc>, DateTime<Utc>) {
        let to = Utc.with_ymd_and_hms(2026, 11, 20, 12, 0, 0).single().expect("a time");
        (to - TimeDelta::days(7), to)
    }

    #[test]
    fn as_many_orders_come_as_were_asked_for_and_mostly_by_day() {
        let (from, to) = week();
        let moments = arrivals(1, from, to, 500);
        assert_eq!(moments.len(), 500);
        assert!(moments.iter().all(|m| (from..to).contains(m)));
        let by_day = moments.iter().filter(|m| (8..16).contains(&m.hour())).count();
        assert!(by_day > 250, "{by_day} of 500 by day");
    }

    #[test]
    fn a_week_of_history_is_some_ten_thousand_events_and_goes_on() {
        let (from, to) = week();
        let plot = Plot { seed: 1, first: 1, mix: Mix::usual(), pace: Pace::LIFE };
        let mut timeline = history(&plot, from, to, 500);
        let past = timeline.due(to);
        assert!(past.is_sorted_by_key(|s| s.sent_at));
        assert!(past.iter().all(|s| s.sent_at <= to));
        assert!((8_000..18_000).contains(&past.len()), "{} things said", past.len());
        assert!(timeline.next_at().is_some_and(|next| next > to) && timeline.len() > 500, "{} to come", timeline.len());
    }
}
