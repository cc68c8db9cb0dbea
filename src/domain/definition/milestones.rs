//! Milestones of a definition: which events reach them, of what there may be several, and how parts add up.

use serde::Deserialize;
use toml::Spanned;

use super::reader::Reader;

#[derive(Clone, Debug)]
pub struct MilestoneRule {
    pub key: String,
    pub title: String,
    pub system: String,
    pub events: Vec<EventMatch>,
    /// Object type of which each must have it; the root's type when there is only one.
    pub per: String,
    pub quantity: Option<Quantity>,
    pub optional: bool,
    /// A true-or-false field of the root on which the milestone depends.
    pub when: Option<String>,
}

/// `order.credit_checked(verdict=approved)`: an event type, and a field that must have a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventMatch {
    pub kind: String,
    pub verdict: Option<String>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    key: Spanned<String>,
    title: String,
    system: String,
    events: Spanned<Vec<String>>,
    per: Option<Spanned<String>>,
    quantity: Option<Quantity>,
    #[serde(default)]
    optional: bool,
    when: Option<Spanned<String>>,
}

/// Reads the milestones; what is wrong with one is told, the others are read all the same.
pub fn read(
    entries: &[Entry],
    root: &str,
    known: impl Fn(&str) -> bool,
    reader: &mut Reader<'_>,
) -> Vec<MilestoneRule> {
    let mut milestones: Vec<MilestoneRule> = Vec::new();
    for m in entries {
        if milestones.iter().any(|other| other.key == *m.key.get_ref()) {
            reader.fault(m.key.span().start, format!("milestone `{}` stands here twice", m.key.get_ref()));
        }
        let mut events = Vec::new();
        for text in m.events.get_ref() {
            match EventMatch::parse(text) {
                Some(event) => events.push(event),
                None => reader.fault(
                    m.events.span().start,
                    format!("`{text}` is no event: expected `object.verb` or `object.verb(verdict=value)`"),
                ),
            }
        }
        if events.is_empty() {
            reader.fault(m.events.span().start, "a milestone needs at least one event");
        }
        if let Some(per) = &m.per
            && !known(per.get_ref())
        {
            reader.fault(per.span().start, format!("`{}` is not in `reach`", per.get_ref()));
        }
        if let Some(when) = &m.when
            && when.get_ref() != "pod_required"
        {
            reader.fault(when.span().start, format!("`{}`: only `pod_required` is known", when.get_ref()));
        }
        milestones.push(MilestoneRule {
            key: m.key.get_ref().clone(),
            title: m.title.clone(),
            system: m.system.clone(),
            events,
            per: m.per.as_ref().map_or_else(|| root.to_owned(), |p| p.get_ref().clone()),
            quantity: m.quantity,
            optional: m.optional,
            when: m.when.as_ref().map(|w| w.get_ref().clone()),
        });
    }
    milestones
}

impl EventMatch {
    fn parse(text: &str) -> Option<Self> {
        let (kind, condition) = match text.split_once('(') {
            None => (text, None),
            Some((kind, rest)) => (kind, Some(rest.strip_suffix(')')?.strip_prefix("verdict=")?)),
        };
        let (object, verb) = kind.split_once('.')?;
        (!object.is_empty() && !verb.is_empty())
            .then(|| Self { kind: kind.to_owned(), verdict: condition.map(str::to_owned) })
    }
}
