//! Bars over time with marks where something was changed: geometry for an SVG, and the same as rows of a table.

use serde::Serialize;

use crate::pages::time::Clock;
use crate::pages::words;

#[derive(Debug, Default, Serialize)]
pub struct Chart {
    pub width: f64,
    pub height: f64,
    pub bars: Vec<Bar>,
    pub marks: Vec<Mark>,
    /// Labels along the bottom.
    pub ticks: Vec<Tick>,
    pub most: String,
    /// One sentence that says the same.
    pub summary: String,
    pub rows: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
pub struct Bar {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    pub title: String,
    /// The running slot, not over yet.
    pub open: bool,
}

#[derive(Debug, Serialize)]
pub struct Mark {
    pub x: f64,
    pub number: usize,
    pub title: String,
    pub at: String,
}

#[derive(Debug, Serialize)]
pub struct Tick {
    pub x: f64,
    pub text: String,
}

/// Something that was changed: a definition, a contract, a key, a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub at_ms: i64,
    pub what: String,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 120.0;
const ROWS: usize = 60;

/// How wide slots must be so that at most 60 of them cover the time.
pub fn slot_ms(span_ms: i64) -> i64 {
    const STEPS: [i64; 11] = [60, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800];
    let wanted = span_ms / 60;
    STEPS.iter().map(|s| s * 1000).find(|step| *step >= wanted).unwrap_or(STEPS[10] * 1000)
}

/// `counts` by the beginning of their slot; what is missing is zero.
pub fn chart(clock: &Clock, from_ms: i64, slot_ms: i64, counts: &[(i64, u64)], changes: &[Change]) -> Chart {
    let from = from_ms.div_euclid(slot_ms) * slot_ms;
    let slots = ((clock.now_ms - from).div_euclid(slot_ms) + 1).clamp(1, 400);
    let most = counts.iter().map(|(_, n)| *n).max().unwrap_or(0).max(1);
    let step = WIDTH / slots as f64;
    let round = |x: f64| (x * 10.0).round() / 10.0;
    let of = |at: i64| counts.iter().find(|(slot, _)| *slot == at).map_or(0, |(_, n)| *n);
    let all: Vec<(i64, u64)> = (0..slots).map(|slot| from + slot * slot_ms).map(|at| (at, of(at))).collect();
    let bars = all.iter().enumerate().filter(|(_, (_, n))| *n > 0).map(|(place, (at, n))| {
        let height = (*n as f64 / most as f64 * HEIGHT).max(1.0);
        Bar {
            x: round(place as f64 * step),
            y: round(HEIGHT - height),
            width: round((step - 1.0).max(1.0)),
            height: round(height),
            title: format!("{}: {}", clock.short(*at), words::plural(*n, "failure", "failures")),
            open: place as i64 == slots - 1,
        }
    });
    let x_of = |at_ms: i64| round(((at_ms - from) as f64 / (slots * slot_ms) as f64 * WIDTH).clamp(0.0, WIDTH));
    let inside = changes.iter().filter(|change| change.at_ms >= from && change.at_ms <= clock.now_ms);
    let marks: Vec<Mark> = inside
        .enumerate()
        .map(|(place, change)| Mark {
            x: x_of(change.at_ms),
            number: place + 1,
            title: change.what.clone(),
            at: clock.short(change.at_ms),
        })
        .collect();
    let ticks = (0..5).map(|part| from + slots * slot_ms * part / 5);
    let total: u64 = counts.iter().map(|(_, n)| n).sum();
    let peak = all.iter().max_by_key(|(at, n)| (*n, *at));
    let summary = match peak {
        Some((at, n)) if *n > 0 => format!(
            "{} since {}, most in the {} from {}: {}.",
            words::plural(total, "failure", "failures"),
            clock.short(from),
            words::about(slot_ms),
            clock.short(*at),
            words::count(*n)
        ),
        _ => format!("No failure since {}.", clock.short(from)),
    };
    Chart {
        width: WIDTH,
        height: HEIGHT,
        bars: bars.collect(),
        marks,
        ticks: ticks.map(|at| Tick { x: x_of(at), text: clock.short(at) }).collect(),
        most: words::count(most),
        summary,
        rows: all
            .iter()
            .rev()
            .filter(|(_, n)| *n > 0)
            .take(ROWS)
            .map(|(at, n)| (clock.text(*at), words::count(*n)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_cover_the_time_and_marks_stand_where_they_were() {
        assert_eq!(slot_ms(3_600_000), 60_000);
        assert_eq!(slot_ms(24 * 3_600_000), 1_800_000);
        let clock = Clock::utc(1_790_000_000_000);
        let from = clock.now_ms - 3_600_000;
        let first = from.div_euclid(60_000) * 60_000;
        let changes = [
            Change { at_ms: clock.now_ms - 1_800_000, what: "contract".into() },
            Change { at_ms: 0, what: "old".into() },
        ];
        let chart = chart(&clock, from, 60_000, &[(first, 4), (first + 120_000, 8)], &changes);
        assert_eq!((chart.bars.len(), chart.bars[0].height, chart.bars[1].height), (2, 60.0, 120.0));
        assert_eq!(chart.marks.len(), 1);
        assert!((chart.marks[0].x - WIDTH / 2.0).abs() < 12.0);
        assert!(chart.summary.starts_with("12 failures"), "{}", chart.summary);
    }
}
