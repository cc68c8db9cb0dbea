//! A day by quarter hours: bars beside the band that is usual, and lines of how long things took. Geometry for an SVG, and
//! the same as rows of a table.

use serde::Serialize;

use crate::pages::time::Clock;
use crate::pages::words;
use crate::store::Slot;
use crate::store::rows::ms_of;

const WIDTH: f64 = 672.0;
const HEIGHT: f64 = 96.0;
const SLOTS: i64 = 96;
pub const SLOT_MS: i64 = 900_000;

#[derive(Debug, Default, Serialize)]
pub struct Chart {
    pub title: &'static str,
    pub width: f64,
    pub height: f64,
    pub bars: Vec<Bar>,
    /// Outline of what is usual; empty where that is not known.
    pub band: String,
    pub lines: Vec<Line>,
    pub ticks: Vec<Tick>,
    /// What the top of the picture stands for.
    pub most: String,
    pub summary: String,
    pub head: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    pub tone: &'static str,
}

#[derive(Debug, Serialize)]
pub struct Bar {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    pub title: String,
    pub open: bool,
}

#[derive(Debug, Serialize)]
pub struct Line {
    pub name: &'static str,
    pub path: String,
    /// Where the name stands.
    pub y: f64,
}

#[derive(Debug, Serialize)]
pub struct Tick {
    pub x: f64,
    pub text: String,
}

/// The last day in order: each quarter hour of today with those of the same time in the weeks before.
pub struct Day<'a> {
    clock: &'a Clock,
    start_ms: i64,
    slots: Vec<(Option<&'a Slot>, Vec<&'a Slot>)>,
}

impl<'a> Day<'a> {
    pub fn of(clock: &'a Clock, slots: &'a [Slot]) -> Self {
        let start_ms = (clock.now_ms.div_euclid(SLOT_MS) - SLOTS + 1) * SLOT_MS;
        let at = |place: i64| {
            let ms = start_ms + place * SLOT_MS;
            let here = slots.iter().filter(move |slot| slot.slot_ms == ms);
            let (today, before): (Vec<&Slot>, Vec<&Slot>) = here.partition(|slot| slot.days_ago == 0);
            (today.first().copied(), before)
        };
        Self { clock, start_ms, slots: (0..SLOTS).map(at).collect() }
    }

    fn ticks(&self) -> Vec<Tick> {
        let every = SLOTS / 6;
        let tick = |part: i64| Tick {
            x: round(part as f64 * every as f64 * WIDTH / SLOTS as f64),
            text: self.clock.hour(self.start_ms + part * every * SLOT_MS),
        };
        (0..6).map(tick).collect()
    }

    /// Bars of a count, with the band of the weeks before where `band` says so.
    pub fn bars(
        &self,
        title: &'static str,
        unit: (&str, &str),
        tone: &'static str,
        band: bool,
        of: fn(&Slot) -> u64,
    ) -> Chart {
        let today = |slot: &(Option<&Slot>, Vec<&Slot>)| slot.0.map_or(0, of);
        let usual = |slot: &(Option<&Slot>, Vec<&Slot>)| -> Option<(u64, u64)> {
            let counts: Vec<u64> = slot.1.iter().map(|slot| of(slot)).collect();
            Some((*counts.iter().min()?, *counts.iter().max()?)).filter(|_| band)
        };
        let most = self
            .slots
            .iter()
            .map(|slot| today(slot).max(usual(slot).map_or(0, |(_, high)| high)))
            .max()
            .unwrap_or(0)
            .max(1);
        let step = WIDTH / SLOTS as f64;
        let y = |n: u64| round(HEIGHT - n as f64 / most as f64 * HEIGHT);
        let at = |place: usize| self.start_ms + place as i64 * SLOT_MS;
        let bar = |(place, slot): (usize, &(Option<&Slot>, Vec<&Slot>))| {
            let n = today(slot);
            (n > 0).then(|| Bar {
                x: round(place as f64 * step),
                y: y(n).min(HEIGHT - 1.0),
                width: round(step - 1.0),
                height: round((HEIGHT - y(n)).max(1.0)),
                title: format!("{}: {}", self.clock.short(at(place)), words::plural(n, unit.0, unit.1)),
                open: place as i64 == SLOTS - 1,
            })
        };
        // Gaps in what is known stay gaps: each run of known slots is an outline of its own.
        let mut outline = String::new();
        let mut run: Vec<(usize, (u64, u64))> = Vec::new();
        let mut close = |run: &mut Vec<(usize, (u64, u64))>| {
            for (place, (_, high)) in run.iter() {
                let letter = if outline.is_empty() || outline.ends_with('Z') { 'M' } else { 'L' };
                outline.push_str(&format!(
                    "{letter}{} {}H{}",
                    round(*place as f64 * step),
                    y(*high),
                    round((*place + 1) as f64 * step)
                ));
            }
            for (place, (low, _)) in run.iter().rev() {
                outline.push_str(&format!(
                    "L{} {}H{}",
                    round((*place + 1) as f64 * step),
                    y(*low),
                    round(*place as f64 * step)
                ));
            }
            if !run.is_empty() {
                outline.push('Z');
            }
            run.clear();
        };
        for (place, slot) in self.slots.iter().enumerate() {
            match usual(slot) {
                Some(known) => run.push((place, known)),
                None => close(&mut run),
            }
        }
        close(&mut run);
        let total: u64 = self.slots.iter().map(today).sum();
        let known = !outline.is_empty();
        let row = |(place, slot): (usize, &(Option<&Slot>, Vec<&Slot>))| {
            let mut cells = vec![self.clock.text(at(place)), words::count(today(slot))];
            if known {
                cells.push(usual(slot).map_or_else(
                    || "not known".into(),
                    |(low, high)| format!("{} to {}", words::count(low), words::count(high)),
                ));
            }
            cells
        };
        Chart {
            title,
            width: WIDTH,
            height: HEIGHT,
            bars: self.slots.iter().enumerate().filter_map(bar).collect(),
            band: outline,
            lines: Vec::new(),
            ticks: self.ticks(),
            most: words::count(most),
            summary: format!("{} in the last day.", words::plural(total, unit.0, unit.1)),
            head: if known { vec!["From", "Today", "Usual on this weekday"] } else { vec!["From", "Today"] },
            rows: self
                .slots
                .iter()
                .enumerate()
                .rev()
                .filter(|(_, slot)| today(slot) > 0 || usual(slot).is_some())
                .map(row)
                .collect(),
            tone,
        }
    }

    /// How long 50 and 95 in 100 took; each doubling is as high as the next.
    pub fn lengths(&self, title: &'static str) -> Chart {
        let of = |slot: &(Option<&Slot>, Vec<&Slot>)| {
            slot.0.filter(|slot| slot.events > 0).map(|slot| (slot.lag_p50, slot.lag_p95))
        };
        let most = self.slots.iter().filter_map(of).map(|(_, p95)| p95).max().unwrap_or(0).max(4);
        let step = WIDTH / SLOTS as f64;
        let y = |size: u8| round(HEIGHT - f64::from(size) / f64::from(most) * (HEIGHT - 4.0) - 2.0);
        let line = |name: &'static str, pick: fn((u8, u8)) -> u8| {
            let (mut path, mut drawing, mut last) = (String::new(), false, HEIGHT / 2.0);
            for (place, slot) in self.slots.iter().enumerate() {
                let Some(size) = of(slot).map(pick) else {
                    drawing = false;
                    continue;
                };
                last = y(size);
                path.push_str(&format!(
                    "{}{} {last}",
                    if drawing { 'L' } else { 'M' },
                    round((place as f64 + 0.5) * step)
                ));
                if !drawing {
                    // A lone quarter hour is a dot, not nothing.
                    path.push_str("h0.1");
                }
                drawing = true;
            }
            Line { name, path, y: last }
        };
        let worst = self.slots.iter().enumerate().filter_map(|(place, slot)| Some((of(slot)?.1, place))).max();
        let at = |place: usize| self.start_ms + place as i64 * SLOT_MS;
        let summary = match worst {
            Some((size, place)) => {
                format!(
                    "95 in 100 took at most {}, worst at {}.",
                    words::duration(ms_of(size)),
                    self.clock.hour(at(place))
                )
            }
            None => "Nothing came in the last day.".into(),
        };
        let row = |(place, slot): (usize, &(Option<&Slot>, Vec<&Slot>))| {
            let (p50, p95) = of(slot)?;
            Some(vec![self.clock.text(at(place)), words::duration(ms_of(p50)), words::duration(ms_of(p95))])
        };
        Chart {
            title,
            width: WIDTH,
            height: HEIGHT,
            lines: apart(line("p95", |(_, p95)| p95), line("p50", |(p50, _)| p50)),
            ticks: self.ticks(),
            most: words::duration(ms_of(most)),
            summary,
            head: vec!["From", "50 in 100", "95 in 100"],
            rows: self.slots.iter().enumerate().rev().filter_map(row).collect(),
            tone: "run",
            ..Chart::default()
        }
    }
}

fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

/// Names of two lines that end close together, the upper first, stand apart so that both can be read.
fn apart(mut upper: Line, mut lower: Line) -> Vec<Line> {
    const LETTERS: f64 = 12.0;
    if lower.y - upper.y < LETTERS {
        lower.y = (upper.y + LETTERS).min(HEIGHT);
        upper.y = lower.y - LETTERS;
    }
    vec![upper, lower]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::rows::size_of;

    #[test]
    fn today_stands_beside_what_is_usual_and_gaps_stay_gaps() {
        let clock = Clock::utc(1_790_000_000_000);
        let last = clock.now_ms.div_euclid(SLOT_MS) * SLOT_MS;
        let slot = |back: i64, days_ago: i64, events: u64| Slot {
            slot_ms: last - back * SLOT_MS,
            days_ago,
            events,
            lag_p50: size_of(1000),
            lag_p95: size_of(60_000),
            ..Slot::default()
        };
        let slots = [slot(0, 0, 5), slot(3, 0, 50), slot(3, 7, 40), slot(3, 14, 100), slot(9, 7, 10)];
        let day = Day::of(&clock, &slots);
        let chart = day.bars("Events", ("event", "events"), "", true, |slot| slot.events);
        assert_eq!((chart.bars.len(), chart.most.as_str(), chart.band.matches('Z').count()), (2, "100", 2));
        assert_eq!(chart.bars[0].height, 48.0);
        assert!(chart.rows.iter().any(|row| row[1] == "50" && row[2] == "40 to 100"));
        let lengths = day.lengths("Lag");
        assert!(lengths.summary.contains("95 in 100") && lengths.lines[0].path.matches('M').count() == 2);
    }

    #[test]
    fn names_of_lines_that_meet_stand_apart_and_inside() {
        let line = |y: f64| Line { name: "", path: String::new(), y };
        let places = |a: f64, b: f64| apart(line(a), line(b)).iter().map(|line| line.y).collect::<Vec<_>>();
        assert_eq!((places(2.0, 2.0), places(2.0, 40.0)), (vec![2.0, 14.0], vec![2.0, 40.0]));
        assert_eq!(places(HEIGHT, HEIGHT), [HEIGHT - 12.0, HEIGHT]);
    }
}
