//! Milestones of a definition: which events reach them, of what there may be several, how parts add up, and which
//! milestones stand for others.

use chrono::TimeDelta;
use milepost_ingest::vocabulary::nearest;
use serde::Deserialize;
use toml::Spanned;

use super::reader::Reader;
use super::slas::duration;
use crate::domain::Fact;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MilestoneRule {
    pub key: String,
    pub title: String,
    pub system: String,
    /// Any of these reaches it; empty for a group.
    pub events: Vec<EventMatch>,
    /// While it is missing, the other events count only after a time.
    pub prefer: Option<Prefer>,
    pub per: Per,
    pub quantity: Option<Quantity>,
    pub roll_up: Option<RollUp>,
    /// It is complete with so many of its events.
    pub times: u32,
    pub optional: bool,
    /// A true-or-false field of the root on which the milestone depends.
    pub when: Option<String>,
    /// Made of other milestones.
    pub group: Option<Group>,
}

/// `order.credit_checked(verdict=approved)`: an event type, and a field that must have a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventMatch {
    pub kind: String,
    pub verdict: Option<String>,
}

/// The event that says it best, and how long the others wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefer {
    pub event: EventMatch,
    pub wait: TimeDelta,
}

/// Of what each must have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Per {
    /// The workflow as a whole.
    Root,
    /// Each object of a type.
    Object(String),
    /// Each order line.
    Line,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    Allocated,
    Picked,
    Packed,
    Shipped,
    Delivered,
    Invoiced,
}

/// How the parts of a milestone make the whole. Without one: by quantity where lines tell it, else every part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollUp {
    /// Every part, each counting the same.
    All,
    /// The first part is enough.
    Any,
    /// Parts count by their quantity.
    Weighted,
}

/// Milestones that this one is made of, as indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    /// One of them is enough, the others are then not waited for.
    Any(Vec<usize>),
    All(Vec<usize>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    key: Spanned<String>,
    title: String,
    system: Option<String>,
    #[serde(default)]
    events: Option<Spanned<Vec<String>>>,
    prefer: Option<Spanned<String>>,
    prefer_for: Option<Spanned<String>>,
    per: Option<Spanned<String>>,
    quantity: Option<Quantity>,
    roll_up: Option<RollUp>,
    times: Option<Spanned<u32>>,
    #[serde(default)]
    optional: bool,
    when: Option<Spanned<String>>,
    any: Option<Spanned<Vec<String>>>,
    all: Option<Spanned<Vec<String>>>,
}

/// Fields of the root that `when` may name.
const CONDITIONS: [&str; 1] = ["pod_required"];

/// Reads the milestones; what is wrong with one is told, the others are read all the same.
pub fn read(
    entries: &[Entry],
    known: impl Fn(&str) -> bool,
    kinds: &[String],
    reader: &mut Reader<'_>,
) -> Vec<MilestoneRule> {
    let mut milestones: Vec<MilestoneRule> = Vec::new();
    for m in entries {
        if milestones.iter().any(|other| other.key == *m.key.get_ref()) {
            reader.fault(m.key.span().start, format!("milestone `{}` stands here twice", m.key.get_ref()));
        }
        let group = group(m, &milestones, reader);
        let events = events(m, group.is_some(), reader);
        let prefer = prefer(m, &events, reader);
        let per = match m.per.as_ref().map(|p| (p.get_ref().as_str(), p.span().start)) {
            None => Per::Root,
            Some(("line", _)) => Per::Line,
            Some((per, _)) if Some(per) == kinds.first().map(String::as_str) => Per::Root,
            Some((per, at)) => {
                if !known(per) {
                    let candidates = kinds.iter().map(String::as_str).chain(["line"]);
                    reader.fault(at, format!("`{per}` is not in `reach`{}", meant(per, candidates)));
                }
                Per::Object(per.to_owned())
            }
        };
        if let Some(when) = &m.when
            && !CONDITIONS.contains(&when.get_ref().as_str())
        {
            reader.fault(when.span().start, format!("`{}`: only `pod_required` is known", when.get_ref()));
        }
        let times = match &m.times {
            Some(times) if *times.get_ref() == 0 => {
                reader.fault(times.span().start, "a milestone is reached by at least 1 event");
                1
            }
            Some(times) => *times.get_ref(),
            None => 1,
        };
        if times > 1 && (m.quantity.is_some() || per != Per::Root) {
            let at = m.times.as_ref().map_or(0, |t| t.span().start);
            reader.fault(at, "`times` counts events of the whole workflow; it does not go with `per` and `quantity`");
        }
        if m.roll_up.is_some() && per == Per::Root && m.quantity.is_none() {
            reader.warn(m.key.span().start, "`roll_up` does nothing without `per` or `quantity`: there are no parts");
        }
        milestones.push(MilestoneRule {
            key: m.key.get_ref().clone(),
            title: m.title.clone(),
            system: m.system.clone().unwrap_or_else(|| of_group(group.as_ref(), &milestones)),
            events,
            prefer,
            per,
            quantity: m.quantity,
            roll_up: m.roll_up,
            times,
            optional: m.optional,
            when: m.when.as_ref().map(|w| w.get_ref().clone()),
            group,
        });
    }
    milestones
}

fn group(m: &Entry, before: &[MilestoneRule], reader: &mut Reader<'_>) -> Option<Group> {
    let (names, any) = match (&m.any, &m.all) {
        (None, None) => return None,
        (Some(names), None) => (names, true),
        (None, Some(names)) => (names, false),
        (Some(names), Some(_)) => {
            reader.fault(names.span().start, "a group has either `any` or `all`");
            return None;
        }
    };
    let mut members = Vec::new();
    for name in names.get_ref() {
        match before.iter().position(|other| other.key == *name) {
            Some(place) => members.push(place),
            None => {
                let meant = meant(name, before.iter().map(|b| b.key.as_str()));
                reader.fault(names.span().start, format!("no milestone `{name}` before this one{meant}"));
            }
        }
    }
    if names.get_ref().len() < 2 {
        reader.fault(names.span().start, "a group has at least two milestones");
    }
    Some(if any { Group::Any(members) } else { Group::All(members) })
}

fn of_group(group: Option<&Group>, before: &[MilestoneRule]) -> String {
    let (Some(Group::Any(members)) | Some(Group::All(members))) = group else { return "unknown".to_owned() };
    members.last().map_or_else(String::new, |m| before[*m].system.clone())
}

fn events(m: &Entry, is_group: bool, reader: &mut Reader<'_>) -> Vec<EventMatch> {
    let Some(said) = &m.events else {
        if !is_group {
            reader.fault(m.key.span().start, "a milestone needs `events`, or `any` or `all` of other milestones");
        }
        return Vec::new();
    };
    if is_group {
        reader.fault(said.span().start, "a group is reached by its milestones, not by events of its own");
    }
    if m.system.is_none() {
        reader.fault(m.key.span().start, "a milestone needs the `system` that reports it");
    }
    if said.get_ref().is_empty() && !is_group {
        reader.fault(said.span().start, "a milestone needs at least one event");
    }
    let mut events = Vec::new();
    for text in said.get_ref() {
        match EventMatch::parse(text) {
            Some(event) => {
                reader.know(said.span().start, &event.kind);
                events.push(event);
            }
            None => reader.fault(
                said.span().start,
                format!("`{text}` is no event: expected `object.verb` or `object.verb(verdict=value)`"),
            ),
        }
    }
    events
}

fn prefer(m: &Entry, events: &[EventMatch], reader: &mut Reader<'_>) -> Option<Prefer> {
    let Some(said) = &m.prefer else {
        if let Some(wait) = &m.prefer_for {
            reader.fault(
                wait.span().start,
                "`prefer_for` says how long the event in `prefer` is waited for, and there is none",
            );
        }
        return None;
    };
    let event = EventMatch::parse(said.get_ref()).filter(|event| events.contains(event));
    if event.is_none() {
        reader.fault(said.span().start, format!("`{}` is not among the `events`", said.get_ref()));
    }
    let wait = match &m.prefer_for {
        None => Some(TimeDelta::zero()),
        Some(wait) => {
            let time = duration(wait.get_ref());
            if time.is_none() {
                let what = format!("`{}` is no duration: expected for example `30m`, `4h` or `1d 12h`", wait.get_ref());
                reader.fault(wait.span().start, what);
            }
            time
        }
    };
    Some(Prefer { event: event?, wait: wait? })
}

/// `; did you mean …?`, where a word is near enough.
pub fn meant<'w>(word: &str, words: impl Iterator<Item = &'w str>) -> String {
    nearest(word, words).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

impl EventMatch {
    pub fn matches(&self, fact: &Fact) -> bool {
        self.kind == *fact.kind
            && self.verdict.as_ref().is_none_or(|v| fact.detail.verdict.as_deref() == Some(v.as_str()))
    }

    pub fn parse(text: &str) -> Option<Self> {
        let (kind, condition) = match text.split_once('(') {
            None => (text, None),
            Some((kind, rest)) => (kind, Some(rest.strip_suffix(')')?.strip_prefix("verdict=")?)),
        };
        let (object, verb) = kind.split_once('.')?;
        (!object.is_empty() && !verb.is_empty())
            .then(|| Self { kind: kind.to_owned(), verdict: condition.map(str::to_owned) })
    }
}

impl std::fmt::Display for EventMatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.verdict {
            None => f.write_str(&self.kind),
            Some(verdict) => write!(f, "{} ({verdict})", self.kind),
        }
    }
}
