//! The story of one workflow as a picture: a lane per system, idle time compressed, what is expected dashed.
//! The same as a table stands beside it. Geometry only; the template draws.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::{Reached, Verdict, Workflow};
use crate::pages::time::{Clock, Due, Time};
use crate::pages::{status, words};
use crate::store::rows::EventRow;

const WIDTH: f64 = 1152.0;
const LEFT: f64 = 96.0;
const RIGHT: f64 = 24.0;
const AXIS: f64 = 34.0;
const LANE: f64 = 54.0;
/// A lane that has nothing to show yet.
const EMPTY_LANE: f64 = 28.0;
const SLA: f64 = 30.0;
/// Room for a gap that was cut out, and for two things one after the other.
const BREAK: f64 = 34.0;
const STEP: f64 = 11.0;
/// Two dots of a lane nearer than this become one with a number.
const CLUSTER: f64 = 9.0;
const CHAR: f64 = 6.3;
/// The line from a late event to its receipt. Farther away it is only hinted at; title and table say both times.
const MAX_LATE: f64 = 90.0;
const STUB: f64 = 11.0;
/// Row for the lengths of the gaps.
const GAPS: f64 = 18.0;
/// An event that came this much later than it happened shows both times.
const LATE_MS: i64 = 5 * 60 * 1000;
const HOUR: i64 = 3_600_000;
const MAX_SLAS: usize = 6;

#[derive(Debug, Default, Serialize)]
pub struct Timeline {
    pub width: f64,
    pub height: f64,
    pub left: f64,
    pub axis: f64,
    /// Where the lanes end and the SLA bars begin.
    pub floor: f64,
    pub lanes: Vec<Lane>,
    pub ticks: Vec<Tick>,
    pub breaks: Vec<Break>,
    pub dots: Vec<Dot>,
    pub slas: Vec<Bar>,
    pub now: Option<Tick>,
    pub summary: String,
    pub rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
pub struct Lane {
    pub name: String,
    pub tone: &'static str,
    pub y: f64,
}

#[derive(Debug, Serialize)]
pub struct Tick {
    pub x: f64,
    pub text: String,
}

#[derive(Debug, Serialize)]
pub struct Break {
    pub x: f64,
    pub text: String,
}

#[derive(Debug, Serialize)]
pub struct Dot {
    pub x: f64,
    pub y: f64,
    pub tone: &'static str,
    pub expected: bool,
    pub overdue: bool,
    pub count: usize,
    /// Where its being received stands, when that was much later.
    pub late_x: Option<f64>,
    pub label: Option<Label>,
    pub title: String,
    pub href: String,
}

#[derive(Debug, Serialize)]
pub struct Label {
    pub x: f64,
    pub y: f64,
    pub anchor: &'static str,
    pub text: String,
}

#[derive(Debug, Serialize)]
pub struct Bar {
    pub y: f64,
    pub x: f64,
    pub width: f64,
    /// The part of it that is used up.
    pub used: f64,
    pub tone: &'static str,
    pub text: String,
    pub text_x: f64,
    pub title: String,
}

/// One event in the table.
#[derive(Debug, Serialize)]
pub struct Row {
    pub key: String,
    pub at: Time,
    pub system: String,
    pub tone: &'static str,
    pub title: String,
    pub object: words::Ref,
    pub source: String,
    /// Only when it came much later than it happened.
    pub received: Time,
    pub late: String,
    pub reaches: String,
    pub payload: String,
    pub payload_href: String,
    pub trace_id: String,
    pub expected: bool,
    pub due: Option<Due>,
}

/// Something on the time axis, before it has a place.
struct Mark {
    ms: i64,
    lane: usize,
    label: String,
    title: String,
    href: String,
    late_ms: Option<i64>,
    expected: bool,
    overdue: bool,
}

pub fn draw(tenant: &str, clock: &Clock, workflow: &Workflow, events: &[EventRow]) -> Timeline {
    let lanes = lanes(workflow, events);
    let index: BTreeMap<&str, usize> = lanes.iter().enumerate().map(|(at, key)| (key.as_str(), at)).collect();
    let lane_of = |system: &str| index.get(system).copied().unwrap_or(0);
    let open = workflow.closed_at.is_none();

    let mut marks: Vec<Mark> = events
        .iter()
        .map(|event| Mark {
            ms: event.occurred_ms,
            lane: lane_of(&event.system),
            label: label_of(event),
            title: event_title(clock, event),
            href: words::tenant_path(
                tenant,
                &format!("payloads/{}", words::payload_id(event.payload, Some(event.index))),
            ),
            late_ms: (event.received_ms - event.occurred_ms > LATE_MS).then_some(event.received_ms),
            expected: false,
            overdue: false,
        })
        .collect();
    if open {
        let awaited = workflow.milestones.iter().filter(|milestone| milestone.reached == Reached::No);
        marks.extend(awaited.filter_map(|milestone| {
            let due = milestone.expected_at?.timestamp_millis();
            Some(Mark {
                ms: due,
                lane: lane_of(&milestone.system),
                label: milestone.title.to_lowercase(),
                title: format!(
                    "{} expected by {} from {}",
                    milestone.title,
                    clock.full(due),
                    words::system(&milestone.system)
                ),
                href: String::new(),
                late_ms: None,
                expected: true,
                overdue: due < clock.now_ms,
            })
        }));
    }
    marks.sort_by(|a, b| (a.ms, a.expected, &a.label).cmp(&(b.ms, b.expected, &b.label)));

    let slas: Vec<_> = workflow.slas.iter().filter(|sla| sla.verdict != Verdict::Cancelled).take(MAX_SLAS).collect();
    let mut times: Vec<i64> = marks.iter().map(|mark| mark.ms).collect();
    times.extend(slas.iter().flat_map(|sla| [sla.started_at, sla.due_at]).map(|at| at.timestamp_millis()));
    if open {
        times.push(clock.now_ms);
    }
    let scale = Scale::new(times);

    let (middles, floor) = places(&lanes, &marks);
    let bars: Vec<Bar> =
        slas.iter().enumerate().map(|(row, sla)| bar(clock, &scale, sla, floor + row as f64 * SLA)).collect();
    let mut drawn = Timeline {
        width: WIDTH,
        height: floor + bars.len() as f64 * SLA + 12.0,
        left: LEFT,
        axis: AXIS,
        floor,
        ticks: ticks(clock, &scale),
        breaks: scale.breaks(),
        dots: dots(&marks, &scale, &lanes, &middles),
        slas: bars,
        now: open.then(|| Tick { x: round(scale.x(clock.now_ms)), text: format!("now {}", clock.hour(clock.now_ms)) }),
        summary: summary(clock, workflow, events),
        rows: rows(tenant, clock, workflow, events),
        lanes: Vec::new(),
    };
    drawn.lanes = lanes
        .iter()
        .enumerate()
        .map(|(at, key)| Lane {
            name: words::system(key),
            tone: words::lane(key),
            y: middles.get(at).copied().unwrap_or(AXIS),
        })
        .collect();
    drawn
}

/// The middle of each lane, and where the last one ends.
fn places(lanes: &[String], marks: &[Mark]) -> (Vec<f64>, f64) {
    let mut y = AXIS;
    let middles = (0..lanes.len())
        .map(|at| {
            let height = if marks.iter().any(|mark| mark.lane == at) { LANE } else { EMPTY_LANE };
            y += height;
            y - height / 2.0
        })
        .collect();
    (middles, y + GAPS)
}

fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

/// Every system that spoke or is to speak, in the order of the flow.
fn lanes(workflow: &Workflow, events: &[EventRow]) -> Vec<String> {
    let spoke = events.iter().map(|event| event.system.clone());
    let awaited =
        workflow.milestones.iter().filter(|m| !m.optional || m.reached != Reached::No).map(|m| m.system.clone());
    let mut keys: Vec<String> = spoke.chain(awaited).collect();
    keys.sort_by(|a, b| (words::system_rank(a), a).cmp(&(words::system_rank(b), b)));
    keys.dedup();
    keys
}

/// The verb is enough where the type names the object; `pick.completed` of a shipment is said in full.
fn label_of(event: &EventRow) -> String {
    match event.event_type.split_once('.') {
        Some((subject, verb)) if subject == event.object_type => verb.replace('_', " "),
        _ => event.event_type.replace(['.', '_'], " "),
    }
}

fn event_title(clock: &Clock, event: &EventRow) -> String {
    let late = event.received_ms - event.occurred_ms;
    let tail = if late > LATE_MS {
        format!("; received {} ({} late)", clock.full(event.received_ms), words::duration(late))
    } else {
        String::new()
    };
    format!(
        "{} of {} {} at {}, from {}{tail}",
        words::event_title(&event.event_type),
        event.object_type.replace('_', " "),
        event.object_id,
        clock.full(event.occurred_ms),
        event.source
    )
}

/// Time to place: stretches with something in them keep their proportion, long idle ones are cut short.
struct Scale {
    knots: Vec<(i64, f64)>,
    /// Gaps that were cut: from, to.
    cut: Vec<(i64, i64)>,
}

impl Scale {
    fn new(mut times: Vec<i64>) -> Self {
        times.sort_unstable();
        times.dedup();
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
            return Self { knots: vec![(0, LEFT)], cut: Vec::new() };
        };
        let cap = ((last - first) / 10).clamp(HOUR / 2, 2 * HOUR);
        let gaps: Vec<(i64, bool)> =
            times.windows(2).map(|pair| (pair[1] - pair[0], pair[1] - pair[0] > cap)).collect();
        let room = WIDTH - LEFT - RIGHT - 60.0;
        let fixed: f64 = gaps.iter().map(|(_, cut)| if *cut { BREAK } else { STEP }).sum();
        let shrink = if fixed > room * 0.8 { room * 0.8 / fixed } else { 1.0 };
        let weight: i64 = gaps.iter().map(|(gap, _)| (*gap).min(cap)).sum();
        let per_ms = if weight > 0 { (room - fixed * shrink) / weight as f64 } else { 0.0 };
        let mut x = LEFT + 16.0;
        let mut knots = vec![(first, x)];
        let mut cut = Vec::new();
        for (pair, (gap, is_cut)) in times.windows(2).zip(&gaps) {
            x += (if *is_cut { BREAK } else { STEP }) * shrink + (*gap).min(cap) as f64 * per_ms;
            knots.push((pair[1], x));
            if *is_cut {
                cut.push((pair[0], pair[1]));
            }
        }
        Self { knots, cut }
    }

    fn x(&self, ms: i64) -> f64 {
        let after = self.knots.partition_point(|(at, _)| *at < ms);
        match (after.checked_sub(1).and_then(|before| self.knots.get(before)), self.knots.get(after)) {
            (Some((t0, x0)), Some((t1, x1))) => x0 + (x1 - x0) * (ms - t0) as f64 / (t1 - t0).max(1) as f64,
            (None, Some((_, x))) | (Some((_, x)), None) => *x,
            (None, None) => LEFT,
        }
    }

    fn breaks(&self) -> Vec<Break> {
        let middle = |from: i64, to: i64| round((self.x(from) + self.x(to)) / 2.0);
        self.cut.iter().map(|&(from, to)| Break { x: middle(from, to), text: words::about(to - from) }).collect()
    }
}

/// A label wherever there is room for one; the day when it is another than before.
fn ticks(clock: &Clock, scale: &Scale) -> Vec<Tick> {
    let mut ticks: Vec<Tick> = Vec::new();
    let (mut end, mut day) = (f64::MIN, String::new());
    for &(ms, x) in &scale.knots {
        let today = clock.day(ms);
        let text = if today == day { clock.hour(ms) } else { format!("{today} {}", clock.hour(ms)) };
        let half = text.chars().count() as f64 * CHAR / 2.0;
        if x - half > end + 14.0 && x + half < WIDTH {
            end = x + half;
            day = today;
            ticks.push(Tick { x: round(x), text });
        }
    }
    ticks
}

fn dots(marks: &[Mark], scale: &Scale, lanes: &[String], middles: &[f64]) -> Vec<Dot> {
    let mut dots: Vec<Dot> = Vec::new();
    // End of the last label above and below the line of each lane, and its last dot.
    let mut ends = vec![(f64::MIN, f64::MIN); lanes.len()];
    let mut last: Vec<Option<usize>> = vec![None; lanes.len()];
    for mark in marks {
        let x = scale.x(mark.ms);
        let y = middles.get(mark.lane).copied().unwrap_or(AXIS);
        let near = last.get(mark.lane).copied().flatten().and_then(|at| dots.get_mut(at));
        if let Some(dot) = near.filter(|dot| x - dot.x < CLUSTER && dot.expected == mark.expected) {
            dot.count += 1;
            dot.title = format!("{}\n{}", dot.title, mark.title);
            continue;
        }
        let label = ends.get_mut(mark.lane).and_then(|ends| label(&mark.label, x, y, ends));
        if let Some(slot) = last.get_mut(mark.lane) {
            *slot = Some(dots.len());
        }
        dots.push(Dot {
            x: round(x),
            y,
            tone: lanes.get(mark.lane).map_or("partner", |key| words::lane(key)),
            expected: mark.expected,
            overdue: mark.overdue,
            count: 1,
            late_x: mark.late_ms.map(|ms| {
                let late = scale.x(ms);
                round(if late - x > MAX_LATE { x + STUB } else { late.max(x + STUB) })
            }),
            label,
            title: mark.title.clone(),
            href: mark.href.clone(),
        });
    }
    dots
}

fn label(text: &str, x: f64, y: f64, ends: &mut (f64, f64)) -> Option<Label> {
    let text = words::cut(text, 26);
    let width = text.chars().count() as f64 * CHAR;
    let (from, anchor) = if x + width > WIDTH - 4.0 { (x + 6.0 - width, "end") } else { (x - 6.0, "start") };
    let place = if anchor == "end" { x + 6.0 } else { from };
    let (end, y) = if from > ends.0 + 8.0 {
        (&mut ends.0, y - 11.0)
    } else if from > ends.1 + 8.0 {
        (&mut ends.1, y + 20.0)
    } else {
        return None;
    };
    *end = from + width;
    Some(Label { x: round(place), y, anchor, text })
}

fn bar(clock: &Clock, scale: &Scale, sla: &crate::domain::Sla, y: f64) -> Bar {
    let (start, due) = (sla.started_at.timestamp_millis(), sla.due_at.timestamp_millis());
    let until = sla.ended_at.map_or(clock.now_ms, |at| at.timestamp_millis());
    let (x, end) = (scale.x(start), scale.x(due));
    let word = status::verdict(sla.verdict);
    let text = match sla.verdict {
        Verdict::Open | Verdict::AtRisk => format!("{} · due {}", sla.title, clock.short(due)),
        Verdict::Breached => format!("{} · breached, was due {}", sla.title, clock.short(due)),
        _ => format!("{} · {}", sla.title, word.word.to_lowercase()),
    };
    let room = WIDTH - 8.0 - text.chars().count() as f64 * CHAR;
    Bar {
        y,
        x: round(x),
        width: round((end - x).max(3.0)),
        used: round((scale.x(until.max(start)) - x).max(0.0)),
        tone: word.tone,
        text_x: round(x.min(room).max(LEFT)),
        title: format!("{}: from {} until {}", sla.title, clock.full(start), clock.full(due)),
        text,
    }
}

fn summary(clock: &Clock, workflow: &Workflow, events: &[EventRow]) -> String {
    let systems = {
        let mut seen: Vec<&str> = events.iter().map(|event| event.system.as_str()).collect();
        seen.sort_unstable();
        seen.dedup();
        seen.len() as u64
    };
    let late = events.iter().filter(|event| event.received_ms - event.occurred_ms > LATE_MS).count() as u64;
    let mut text = format!(
        "{} from {}, the last at {}",
        words::plural(events.len() as u64, "event", "events"),
        words::plural(systems, "system", "systems"),
        clock.text(workflow.last_event.occurred_at.timestamp_millis())
    );
    if late > 0 {
        text.push_str(&format!("; {} arrived late", words::count(late)));
    }
    text.push('.');
    text
}

fn rows(tenant: &str, clock: &Clock, workflow: &Workflow, events: &[EventRow]) -> Vec<Row> {
    let mut rows: Vec<Row> = events.iter().map(|event| row(tenant, clock, workflow, event)).collect();
    if workflow.closed_at.is_none() {
        let awaited = workflow.milestones.iter().filter(|milestone| milestone.reached == Reached::No);
        rows.extend(awaited.filter_map(|milestone| {
            let due = milestone.expected_at?.timestamp_millis();
            Some(Row {
                key: format!("expected {}", milestone.key),
                at: clock.time(due),
                system: words::system(&milestone.system),
                tone: words::lane(&milestone.system),
                title: format!("{} expected", milestone.title),
                object: words::Ref::object(tenant, &workflow.root),
                source: String::new(),
                received: Time::default(),
                late: String::new(),
                reaches: milestone.title.clone(),
                payload: String::new(),
                payload_href: String::new(),
                trace_id: String::new(),
                expected: true,
                due: Some(clock.due(due, None)),
            })
        }));
    }
    rows.sort_by(|a, b| (b.at.ms, &b.key).cmp(&(a.at.ms, &a.key)));
    rows
}

fn row(tenant: &str, clock: &Clock, workflow: &Workflow, event: &EventRow) -> Row {
    let late = event.received_ms - event.occurred_ms;
    let reached = workflow
        .milestones
        .iter()
        .filter(|milestone| milestone.events.iter().any(|key| key.source == event.source && key.id == event.event_id));
    let payload = words::payload_id(event.payload, Some(event.index));
    Row {
        key: format!("{} {}", event.source, event.event_id),
        at: clock.time(event.occurred_ms),
        system: words::system(&event.system),
        tone: words::lane(&event.system),
        title: words::event_title(&event.event_type),
        object: words::Ref::object(tenant, &milepost_ingest::ObjectRef::new(&event.object_type, &event.object_id)),
        source: event.source.clone(),
        received: clock.time(event.received_ms),
        late: if late > LATE_MS { words::duration(late) } else { String::new() },
        reaches: reached.map(|milestone| milestone.title.as_str()).collect::<Vec<_>>().join(", "),
        payload_href: words::tenant_path(tenant, &format!("payloads/{payload}")),
        payload,
        trace_id: event.trace_id.clone(),
        expected: false,
        due: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_is_cut_and_marked_and_order_is_kept() {
        let day = 24 * HOUR;
        let scale = Scale::new(vec![0, HOUR / 6, day, day + HOUR / 6, 3 * day]);
        assert_eq!(scale.breaks().iter().map(|b| b.text.as_str()).collect::<Vec<_>>(), ["23 h", "1 d"]);
        let xs: Vec<f64> = scale.knots.iter().map(|(_, x)| *x).collect();
        assert!(xs.windows(2).all(|pair| pair[1] - pair[0] >= STEP), "{xs:?}");
        assert!(xs.last().is_some_and(|x| *x <= WIDTH - RIGHT));
    }

    #[test]
    fn hundreds_of_moments_still_fit() {
        let scale = Scale::new((0..500).map(|n| n * 60_000).collect());
        assert!(scale.knots.last().is_some_and(|(_, x)| *x <= WIDTH - RIGHT));
    }

    #[test]
    fn one_moment_and_none_have_a_place() {
        assert!(Scale::new(vec![5]).x(5) >= LEFT);
        assert!(Scale::new(vec![]).x(5) >= LEFT);
    }
}
