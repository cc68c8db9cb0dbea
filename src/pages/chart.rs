//! Charts made on the server: lines, columns and bars as geometry for an SVG, a sentence that says the same, and the
//! figures as a table. Gaps are gaps, columns begin at zero, the running slot is marked as not over yet.
//!
//! A page makes a [`Chart`] and shows it with `{{<chart c={it} />}}` of templates/charts.html.

use serde::Serialize;

const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 24.0;
/// Labels along the bottom stand at least so far apart.
const LABEL_WIDTH: f64 = 52.0;
/// More series than this cannot be told apart.
pub const MAX_SERIES: usize = 4;

/// Values along the slots; None where nothing is known.
#[derive(Clone, Debug)]
pub struct Series {
    pub name: String,
    pub values: Vec<Option<f64>>,
}

impl Series {
    pub fn new(name: impl Into<String>, values: Vec<Option<f64>>) -> Self {
        Self { name: name.into(), values }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Lines,
    /// One above the other, from zero.
    Columns,
}

/// What is drawn. `slots` are the labels along the bottom.
pub struct Plan<'a> {
    pub title: &'a str,
    pub shape: Shape,
    pub slots: &'a [String],
    pub series: &'a [Series],
    /// How a value is written: `1 d 4 h`, `93 %`.
    pub write: &'a dyn Fn(f64) -> String,
    /// A line that values are held against, and its name.
    pub target: Option<(f64, String)>,
    /// The last slot is still running.
    pub open: bool,
    /// Where the scale ends; without it, above the largest value.
    pub most: Option<f64>,
    pub width: f64,
    pub height: f64,
    pub summary: String,
}

impl<'a> Plan<'a> {
    pub fn new(title: &'a str, shape: Shape, slots: &'a [String], series: &'a [Series]) -> Self {
        let write: &dyn Fn(f64) -> String = &plain;
        Self {
            title,
            shape,
            slots,
            series,
            write,
            target: None,
            open: false,
            most: None,
            width: 400.0,
            height: 180.0,
            summary: String::new(),
        }
    }
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Chart {
    pub title: String,
    pub summary: String,
    pub width: f64,
    pub height: f64,
    /// Edges of the field that is drawn in.
    pub left: f64,
    pub right: f64,
    pub base: f64,
    /// The value where the scale ends.
    pub most: f64,
    pub grid: Vec<Mark>,
    pub ticks: Vec<Mark>,
    pub lines: Vec<Line>,
    pub bars: Vec<Bar>,
    pub target: Option<Mark>,
    pub legend: Vec<Legend>,
    pub heads: Vec<String>,
    pub rows: Vec<Vec<String>>,
    pub empty: bool,
}

/// A label at a place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mark {
    pub at: f64,
    pub text: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub tone: usize,
    /// One polyline per stretch without a gap.
    pub stretches: Vec<String>,
    pub dots: Vec<Dot>,
    /// Its last value, written at its end.
    pub last: Option<Mark>,
    pub last_x: f64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Dot {
    pub x: f64,
    pub y: f64,
    pub title: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Bar {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    pub tone: usize,
    pub title: String,
    pub open: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Legend {
    pub tone: usize,
    pub name: String,
}

fn plain(value: f64) -> String {
    let text = format!("{value:.2}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A round number at or above the value, of which halves and quarters are round too.
pub fn round_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let size = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * size).find(|most| *most >= value * 0.999_999).unwrap_or(value)
}

/// To a tenth of a pixel: the page gets shorter and says the same.
fn px(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

pub fn chart(plan: &Plan<'_>) -> Chart {
    let series = &plan.series[..plan.series.len().min(MAX_SERIES)];
    let slots = plan.slots.len();
    let value = |series: &Series, slot: usize| series.values.get(slot).copied().flatten().filter(|v| v.is_finite());
    let stacked = |slot: usize| series.iter().filter_map(|one| value(one, slot)).sum::<f64>();
    let largest = match plan.shape {
        Shape::Columns => (0..slots).map(stacked).fold(0.0, f64::max),
        Shape::Lines => {
            (0..slots).flat_map(|slot| series.iter().filter_map(move |one| value(one, slot))).fold(0.0, f64::max)
        }
    };
    let largest = plan.target.as_ref().map_or(largest, |(target, _)| largest.max(*target));
    let most = plan.most.unwrap_or_else(|| round_up(largest));
    let (left, right, base) = (LEFT, plan.width - RIGHT, plan.height - BOTTOM);
    let step = (right - left) / slots.max(1) as f64;
    let y = |value: f64| px(base - (base - TOP) * (value / most).clamp(0.0, 1.0));
    let middle = |slot: usize| px(left + step * (slot as f64 + 0.5));
    let said = |one: &Series, slot: usize, value: f64| {
        let name = if series.len() > 1 { format!("{}: ", one.name) } else { String::new() };
        format!("{} · {name}{}", plan.slots[slot], (plan.write)(value))
    };

    let mut lines = Vec::new();
    let mut bars = Vec::new();
    for (at, one) in series.iter().enumerate() {
        let known: Vec<(usize, f64)> = (0..slots).filter_map(|slot| Some((slot, value(one, slot)?))).collect();
        match plan.shape {
            Shape::Lines => {
                let together = known.chunk_by(|a, b| b.0 == a.0 + 1);
                let points = |run: &[(usize, f64)]| {
                    run.iter().map(|(slot, v)| format!("{},{}", middle(*slot), y(*v))).collect::<Vec<_>>().join(" ")
                };
                let dot = |(slot, v): &(usize, f64)| Dot { x: middle(*slot), y: y(*v), title: said(one, *slot, *v) };
                lines.push(Line {
                    tone: at + 1,
                    stretches: together.filter(|run| run.len() > 1).map(points).collect(),
                    dots: known.iter().map(dot).collect(),
                    last: known.last().map(|(_, v)| Mark { at: y(*v), text: (plan.write)(*v) }),
                    last_x: known.last().map_or(0.0, |(slot, _)| middle(*slot)),
                });
            }
            Shape::Columns => bars.extend(known.iter().map(|(slot, v)| {
                let below: f64 = series[..at].iter().filter_map(|under| value(under, *slot)).sum();
                let (top, bottom) = (y(below + v), y(below));
                let width = (step * 0.72).min(48.0);
                Bar {
                    x: px(middle(*slot) - width / 2.0),
                    y: top,
                    width: px(width),
                    height: px(bottom - top),
                    tone: at + 1,
                    title: said(one, *slot, *v),
                    open: plan.open && *slot + 1 == slots,
                }
            })),
        }
    }
    let every = (LABEL_WIDTH / step).ceil().max(1.0) as usize;
    let tick = |slot: usize| Mark { at: middle(slot), text: plan.slots[slot].clone() };
    let row = |slot: usize| {
        let cell = |one: &Series| value(one, slot).map_or_else(|| "–".to_owned(), |v| (plan.write)(v));
        std::iter::once(plan.slots[slot].clone()).chain(series.iter().map(cell)).collect()
    };
    Chart {
        title: plan.title.to_owned(),
        summary: plan.summary.clone(),
        width: plan.width,
        height: plan.height,
        left,
        right,
        base,
        most,
        grid: [0.0, 0.5, 1.0]
            .map(|part| Mark { at: y(most * part), text: (plan.write)(most * part) })
            .into_iter()
            .collect(),
        ticks: (0..slots).rev().step_by(every).map(tick).collect(),
        empty: series.iter().all(|one| (0..slots).all(|slot| value(one, slot).is_none())),
        lines,
        bars,
        target: plan.target.as_ref().map(|(value, name)| Mark { at: y(*value), text: name.clone() }),
        legend: if series.len() > 1 {
            series.iter().enumerate().map(|(at, one)| Legend { tone: at + 1, name: one.name.clone() }).collect()
        } else {
            Vec::new()
        },
        heads: series.iter().map(|one| one.name.clone()).collect(),
        rows: (0..slots).rev().map(row).collect(),
    }
}

/// Bars beside their names, the longest first: what is most, and how much of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ranking {
    pub title: String,
    pub summary: String,
    pub rows: Vec<Ranked>,
    pub more: usize,
}

#[derive(Clone, Debug, Serialize)]
pub struct Ranked {
    pub name: String,
    pub text: String,
    pub href: String,
    /// Of 100.
    pub width: f64,
}

/// One per item: name, value, how the value is written, where it leads. Without a link, an empty address.
pub fn ranking(title: &str, summary: String, mut items: Vec<(String, f64, String, String)>, shown: usize) -> Ranking {
    items.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let most = items.first().map_or(1.0, |item| item.1).max(f64::MIN_POSITIVE);
    let more = items.len().saturating_sub(shown);
    let row = |(name, value, text, href): (String, f64, String, String)| Ranked {
        name,
        text,
        href,
        width: px((value / most * 100.0).clamp(if value > 0.0 { 1.0 } else { 0.0 }, 100.0)),
    };
    Ranking { title: title.to_owned(), summary, rows: items.into_iter().take(shown).map(row).collect(), more }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(n: usize) -> Vec<String> {
        (1..=n).map(|week| format!("W{week}")).collect()
    }

    #[test]
    fn a_gap_is_a_gap_and_the_last_value_is_written() {
        let weeks = slots(5);
        let series = [Series::new("p50", vec![Some(1.0), Some(2.0), None, Some(4.0), Some(3.0)])];
        let drawn = chart(&Plan::new("Cycle", Shape::Lines, &weeks, &series));
        assert_eq!(drawn.lines[0].stretches.len(), 2);
        assert_eq!(drawn.lines[0].dots.len(), 4);
        assert_eq!(drawn.lines[0].last.as_ref().map(|mark| mark.text.as_str()), Some("3"));
        assert_eq!(drawn.rows[2], ["W3", "–"]);
        assert!(drawn.legend.is_empty(), "one line needs no legend");
    }

    #[test]
    fn columns_stand_on_zero_and_on_each_other() {
        let weeks = slots(2);
        let series = [Series::new("a", vec![Some(30.0), Some(10.0)]), Series::new("b", vec![Some(20.0), None])];
        let mut plan = Plan::new("Value", Shape::Columns, &weeks, &series);
        plan.open = true;
        let drawn = chart(&plan);
        let bar = |tone: usize, at: usize| drawn.bars.iter().filter(|bar| bar.tone == tone).nth(at).cloned();
        let (low, high) = (bar(1, 0).into_iter().next(), bar(2, 0).into_iter().next());
        assert_eq!(low.as_ref().map(|bar| bar.y + bar.height), Some(drawn.base));
        assert_eq!(high.map(|bar| bar.y + bar.height), low.map(|bar| bar.y));
        assert!(bar(1, 1).is_some_and(|bar| bar.open));
        assert_eq!(drawn.grid[2].text, "50");
    }

    #[test]
    fn nothing_known_is_drawn_as_nothing() {
        let weeks = slots(3);
        let drawn = chart(&Plan::new("Empty", Shape::Lines, &weeks, &[Series::new("a", vec![None; 3])]));
        assert!(drawn.empty && drawn.lines[0].dots.is_empty());
        assert!(chart(&Plan::new("None", Shape::Columns, &[], &[])).empty);
    }

    #[test]
    fn scales_end_at_round_numbers() {
        for (value, most) in [(0.0, 1.0), (3.0, 4.0), (41.0, 50.0), (50.0, 50.0), (0.07, 0.08), (999.0, 1000.0)] {
            assert!((round_up(value) - most).abs() < 1e-9, "{value}");
        }
        assert!((round_up(f64::NAN) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_largest_stands_first_and_fills_the_width() {
        let item = |name: &str, value: f64| (name.to_owned(), value, value.to_string(), String::new());
        let made = ranking("Why", String::new(), vec![item("b", 1.0), item("a", 4.0), item("c", 0.0)], 2);
        assert_eq!(
            made.rows.iter().map(|row| (row.name.as_str(), row.width)).collect::<Vec<_>>(),
            [("a", 100.0), ("b", 25.0)]
        );
        assert_eq!(made.more, 1);
    }
}
