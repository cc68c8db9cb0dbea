//! A definition drawn: its milestones in their order, each in the lane of the system that reports it, with how many
//! workflows stand there. Coordinates only; the template draws.

use serde::Serialize;

use super::Standing;
use crate::domain::{Definition, Group, MilestoneRule, Per};
use crate::pages::time::Clock;
use crate::pages::words;

const COLUMN: usize = 112;
const BOX_WIDTH: usize = 98;
const BOX_HEIGHT: usize = 50;
const LANE: usize = 92;
const LABELS: usize = 84;
const TOP: usize = 8;

#[derive(Debug, Serialize)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    /// Said to those who do not see it; the table below says the same.
    pub text: String,
    pub lanes: Vec<Lane>,
    pub lines: Vec<String>,
    pub boxes: Vec<Box>,
}

#[derive(Debug, Serialize)]
pub struct Lane {
    pub title: String,
    pub tone: &'static str,
    pub y: usize,
    pub height: usize,
    pub middle: usize,
    pub odd: bool,
}

#[derive(Debug, Serialize)]
pub struct Box {
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
    pub middle: usize,
    pub title: Vec<Word>,
    pub note: String,
    pub note_y: usize,
    pub count: String,
    pub age: String,
    /// `optional`, `group` or nothing.
    pub kind: &'static str,
    pub tone: &'static str,
    pub worst: bool,
    pub late: bool,
    pub href: String,
    pub hint: String,
}

#[derive(Debug, Serialize)]
pub struct Word {
    pub text: String,
    pub y: usize,
}

pub fn picture(tenant: &str, clock: &Clock, d: &Definition, stages: &[Standing], worst: Option<usize>) -> Picture {
    let mut systems: Vec<&str> = Vec::new();
    for rule in &d.milestones {
        if !systems.contains(&rule.system.as_str()) {
            systems.push(&rule.system);
        }
    }
    systems.sort_by_key(|system| words::system_rank(system));
    let lane_of = |rule: &MilestoneRule| systems.iter().position(|s| *s == rule.system).unwrap_or(0);
    let lanes = systems.iter().enumerate().map(|(n, system)| Lane {
        title: words::system(system),
        tone: words::lane(system),
        y: TOP + n * LANE,
        height: LANE,
        middle: TOP + n * LANE + LANE / 2 + 4,
        odd: n % 2 == 1,
    });
    let place = |at: usize| (LABELS + at * COLUMN, TOP + lane_of(&d.milestones[at]) * LANE + 10);
    let lines = (1..d.milestones.len()).map(|at| {
        let ((x1, y1), (x2, y2)) = (place(at - 1), place(at));
        let (x1, y1, y2) = (x1 + BOX_WIDTH, y1 + BOX_HEIGHT / 2, y2 + BOX_HEIGHT / 2);
        let half = (x1 + x2) / 2;
        format!("M{x1} {y1}H{half}V{y2}H{x2}")
    });
    let boxes = d.milestones.iter().enumerate().map(|(at, rule)| {
        let (x, y) = place(at);
        let standing = &stages[at];
        let title = lines_of(&rule.title);
        let first = y + BOX_HEIGHT / 2 + 4 - if title.len() > 1 { 8 } else { 0 };
        Box {
            x,
            y,
            width: BOX_WIDTH,
            height: BOX_HEIGHT,
            middle: x + BOX_WIDTH / 2,
            title: title.into_iter().enumerate().map(|(n, text)| Word { text, y: first + n * 15 }).collect(),
            note: note(rule),
            note_y: y + BOX_HEIGHT + 15,
            count: if standing.count == 0 { String::new() } else { words::count(standing.count) },
            age: if standing.count == 0 { String::new() } else { words::about(clock.now_ms - standing.median_ms) },
            kind: match rule.group {
                Some(_) => "group",
                None if rule.optional || rule.when.is_some() => "optional",
                None => "",
            },
            tone: words::lane(&rule.system),
            worst: worst == Some(at),
            late: standing.breached > 0,
            href: super::stage_path(tenant, d, rule),
            hint: hint(rule, standing, clock),
        }
    });
    Picture {
        width: LABELS + d.milestones.len() * COLUMN,
        height: TOP * 2 + systems.len() * LANE,
        text: format!("{} milestones in the lanes of {} systems, in their order", d.milestones.len(), systems.len()),
        lanes: lanes.collect(),
        lines: lines.collect(),
        boxes: boxes.collect(),
    }
}

fn note(rule: &MilestoneRule) -> String {
    match (&rule.group, &rule.per) {
        (Some(Group::Any(members)), _) => format!("any of {}", members.len()),
        (Some(Group::All(members)), _) => format!("all of {}", members.len()),
        (None, Per::Object(kind)) => format!("per {}", kind.replace('_', " ")),
        (None, Per::Line) => "per line".to_owned(),
        (None, Per::Root) if rule.times > 1 => format!("{} times", rule.times),
        (None, Per::Root) => String::new(),
    }
}

fn hint(rule: &MilestoneRule, standing: &Standing, clock: &Clock) -> String {
    match standing.count {
        0 => format!("{}: nothing stands here", rule.title),
        n => format!(
            "{}: {}, half of them for {} or longer, the oldest for {}{}",
            rule.title,
            words::plural(n, "open workflow stands here", "open workflows stand here"),
            words::about(clock.now_ms - standing.median_ms),
            words::about(clock.now_ms - standing.oldest_ms),
            if standing.breached > 0 {
                format!(", {} breached", words::count(standing.breached))
            } else {
                String::new()
            }
        ),
    }
}

/// A title on two lines at most.
fn lines_of(title: &str) -> Vec<String> {
    const WIDE: usize = 13;
    let mut lines: Vec<String> = Vec::new();
    for word in title.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < WIDE => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    if lines.len() > 2 {
        lines.truncate(2);
        lines[1].push('…');
    }
    lines.iter().map(|line| words::cut(line, WIDE + 1)).collect()
}
