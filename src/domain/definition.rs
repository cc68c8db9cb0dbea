//! Definitions: what a workflow is made of, read from TOML. A definition that does not make sense is refused with
//! its place; nothing here reads files.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde::Deserialize;
use toml::Spanned;

/// One workflow definition.
#[derive(Clone, Debug)]
pub struct Definition {
    pub key: String,
    pub version: u32,
    pub title: String,
    /// Object type of the root.
    pub root: String,
    /// From an object of one type to linked objects of others.
    pub reach: BTreeMap<String, Vec<String>>,
    pub milestones: Vec<MilestoneRule>,
    pub slas: Vec<SlaRule>,
}

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

#[derive(Clone, Debug)]
pub struct SlaRule {
    pub key: String,
    pub title: String,
    /// Indexes into `milestones`.
    pub from: usize,
    pub to: usize,
    pub limit: Limit,
    /// Share of the time after which it is at risk.
    pub warn: Decimal,
    /// Exception kinds that stop the clock while they are open.
    pub pauses: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    Within(TimeDelta),
    /// Field of the root that holds the due time: `promised_ship` or `promised_delivery`.
    Promise(String),
}

/// All definitions of a set, by key. One root type has one definition.
#[derive(Clone, Debug, Default)]
pub struct Definitions(Vec<Arc<Definition>>);

/// What is wrong with a definition, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {what}")]
pub struct DefinitionError {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    key: Spanned<String>,
    version: u32,
    title: String,
    root: Spanned<String>,
    #[serde(default)]
    reach: BTreeMap<String, Vec<String>>,
    milestones: Vec<MilestoneEntry>,
    #[serde(default)]
    slas: Vec<SlaEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MilestoneEntry {
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlaEntry {
    key: Spanned<String>,
    title: String,
    from: Spanned<String>,
    to: Spanned<String>,
    within: Option<Spanned<String>>,
    promise: Option<Spanned<String>>,
    warn: Option<Spanned<String>>,
    #[serde(default)]
    pauses: Vec<String>,
}

/// Fields of a root that a promise may name.
const PROMISES: [&str; 2] = ["promised_ship", "promised_delivery"];

impl Definitions {
    /// Reads a set of definition files, `(name, text)` each. All errors of all files come back together.
    pub fn load(files: impl IntoIterator<Item = (String, String)>) -> Result<Self, Vec<DefinitionError>> {
        let mut set: Vec<Arc<Definition>> = Vec::new();
        let mut errors = Vec::new();
        for (name, text) in files {
            match Definition::parse(&name, &text) {
                Ok(definition) => match set.iter().find(|d| d.root == definition.root || d.key == definition.key) {
                    Some(other) => errors.push(DefinitionError {
                        file: name,
                        line: 1,
                        column: 1,
                        what: format!("root `{}` already belongs to the definition `{}`", definition.root, other.key),
                    }),
                    None => set.push(Arc::new(definition)),
                },
                Err(mut found) => errors.append(&mut found),
            }
        }
        set.sort_by(|a, b| (a.root != "order", &a.key).cmp(&(b.root != "order", &b.key)));
        if errors.is_empty() { Ok(Self(set)) } else { Err(errors) }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.0.iter()
    }

    pub fn of_root(&self, kind: &str) -> Option<&Arc<Definition>> {
        self.0.iter().find(|d| d.root == kind)
    }

    pub fn by_key(&self, key: &str) -> Option<&Arc<Definition>> {
        self.0.iter().find(|d| d.key == key)
    }
}

impl Definition {
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<DefinitionError>> {
        let place = |offset: usize, what: String| {
            let before = &text[..offset.min(text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
            DefinitionError { file: file.to_owned(), line, column, what }
        };
        let read: File = toml::from_str(text)
            .map_err(|e| vec![place(e.span().map_or(0, |s| s.start), e.message().trim().to_owned())])?;
        let mut errors = Vec::new();
        let root = read.root.get_ref().clone();
        let known = |kind: &str| kind == root || read.reach.values().flatten().any(|k| k == kind);

        let mut milestones: Vec<MilestoneRule> = Vec::new();
        for m in &read.milestones {
            if milestones.iter().any(|other| other.key == *m.key.get_ref()) {
                errors.push(place(m.key.span().start, format!("milestone `{}` stands here twice", m.key.get_ref())));
            }
            let mut events = Vec::new();
            for text in m.events.get_ref() {
                match EventMatch::parse(text) {
                    Some(event) => events.push(event),
                    None => errors.push(place(
                        m.events.span().start,
                        format!("`{text}` is no event: expected `object.verb` or `object.verb(verdict=value)`"),
                    )),
                }
            }
            if events.is_empty() {
                errors.push(place(m.events.span().start, "a milestone needs at least one event".to_owned()));
            }
            if let Some(per) = &m.per
                && !known(per.get_ref())
            {
                errors.push(place(per.span().start, format!("`{}` is not in `reach`", per.get_ref())));
            }
            if let Some(when) = &m.when
                && when.get_ref() != "pod_required"
            {
                errors.push(place(when.span().start, format!("`{}`: only `pod_required` is known", when.get_ref())));
            }
            milestones.push(MilestoneRule {
                key: m.key.get_ref().clone(),
                title: m.title.clone(),
                system: m.system.clone(),
                events,
                per: m.per.as_ref().map_or_else(|| root.clone(), |p| p.get_ref().clone()),
                quantity: m.quantity,
                optional: m.optional,
                when: m.when.as_ref().map(|w| w.get_ref().clone()),
            });
        }
        if milestones.is_empty() {
            errors.push(place(read.key.span().start, "a definition needs at least one milestone".to_owned()));
        }

        let index = |name: &Spanned<String>| milestones.iter().position(|m| m.key == *name.get_ref());
        let mut slas: Vec<SlaRule> = Vec::new();
        for s in &read.slas {
            let (from, to) = match (index(&s.from), index(&s.to)) {
                (Some(from), Some(to)) => (from, to),
                (None, _) => {
                    errors.push(place(s.from.span().start, format!("no milestone `{}`", s.from.get_ref())));
                    continue;
                }
                _ => {
                    errors.push(place(s.to.span().start, format!("no milestone `{}`", s.to.get_ref())));
                    continue;
                }
            };
            let limit = match (&s.within, &s.promise) {
                (Some(within), None) => match duration(within.get_ref()) {
                    Some(time) => Limit::Within(time),
                    None => {
                        errors.push(place(
                            within.span().start,
                            format!(
                                "`{}` is no duration: expected for example `30m`, `4h` or `1d 12h`",
                                within.get_ref()
                            ),
                        ));
                        continue;
                    }
                },
                (None, Some(promise)) if PROMISES.contains(&promise.get_ref().as_str()) => {
                    Limit::Promise(promise.get_ref().clone())
                }
                (None, Some(promise)) => {
                    errors.push(place(promise.span().start, format!("expected one of {}", PROMISES.join(", "))));
                    continue;
                }
                _ => {
                    errors.push(place(s.key.span().start, "an SLA has either `within` or `promise`".to_owned()));
                    continue;
                }
            };
            let warn = match &s.warn {
                None => Decimal::new(75, 2),
                Some(text) => match text.get_ref().parse::<Decimal>() {
                    Ok(share) if share > Decimal::ZERO && share <= Decimal::ONE => share,
                    _ => {
                        errors.push(place(text.span().start, "expected a share between 0 and 1".to_owned()));
                        continue;
                    }
                },
            };
            if slas.iter().any(|other| other.key == *s.key.get_ref()) {
                errors.push(place(s.key.span().start, format!("SLA `{}` stands here twice", s.key.get_ref())));
            }
            let key = s.key.get_ref().clone();
            slas.push(SlaRule { key, title: s.title.clone(), from, to, limit, warn, pauses: s.pauses.clone() });
        }

        if !errors.is_empty() {
            return Err(errors);
        }
        let key = read.key.into_inner();
        Ok(Self { key, version: read.version, title: read.title, root, reach: read.reach, milestones, slas })
    }

    /// Whether objects of a type can belong to such a workflow.
    pub fn concerns(&self, kind: &str) -> bool {
        kind == self.root || self.reach.values().flatten().any(|k| k == kind)
    }

    /// Whether the workflow goes from an object of one type to a linked object of another.
    pub fn reaches(&self, from: &str, to: &str) -> bool {
        self.reach.get(from).is_some_and(|kinds| kinds.iter().any(|k| k == to))
    }
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

/// `1d 4h`, `30m`, `45s`. None for anything else, zero included.
pub fn duration(text: &str) -> Option<TimeDelta> {
    let mut total = TimeDelta::zero();
    for part in text.split_whitespace() {
        let digits = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: i64 = digits.parse().ok()?;
        let seconds = match &part[digits.len()..] {
            "d" => 86_400,
            "h" => 3_600,
            "m" => 60,
            "s" => 1,
            _ => return None,
        };
        total = total.checked_add(&TimeDelta::try_seconds(number.checked_mul(seconds)?)?)?;
    }
    (total > TimeDelta::zero()).then_some(total)
}

#[cfg(test)]
#[path = "definition_tests.rs"]
mod tests;
