//! The mapping file: lets attributes that a sender already has stand for `biz.*`. A rule applies to the records that
//! `when` describes; it sets constants and copies attributes, through a list of values where one is given.
//! What a record says itself in `biz.*` always wins, and an earlier rule wins over a later one.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use serde::Deserialize;
use toml::Spanned;

use crate::vocabulary::{ATTRIBUTES, is_object_type};

/// A checked mapping file.
#[derive(Debug, Default)]
pub struct Mapping {
    rules: Vec<Rule>,
    /// Every attribute that a rule looks at; all others are passed over quickly.
    watched: FxHashSet<String>,
}

/// What is wrong with a mapping file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {detail}")]
pub struct MappingError {
    pub line: usize,
    pub column: usize,
    pub detail: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Spanned<Rule>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// For people.
    #[serde(default, rename = "name")]
    _name: String,
    #[serde(default)]
    when: When,
    /// `biz.*` name to a constant text.
    #[serde(default)]
    set: BTreeMap<Spanned<String>, String>,
    /// `biz.*` name to the attribute that it is taken from.
    #[serde(default)]
    copy: BTreeMap<Spanned<String>, Copied>,
}

/// All that is given must hold. A `*` at either end stands for anything.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct When {
    service: Option<String>,
    /// Name of a span.
    span: Option<String>,
    /// Event name of a log record.
    event: Option<String>,
    /// An attribute that must be there, whatever its value.
    attribute: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Copied {
    From(String),
    Through(Through),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Through {
    from: String,
    /// Value found to value meant.
    #[serde(default)]
    values: BTreeMap<String, String>,
    /// For values that are not listed; without it they are refused.
    default: Option<String>,
}

impl Copied {
    fn from(&self) -> &str {
        match self {
            Self::From(from) => from,
            Self::Through(through) => &through.from,
        }
    }
}

/// What a rule gives to a `biz.*` name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Given<'m, V> {
    Constant(&'m str),
    Attribute(V),
}

/// A value that the list of a rule does not have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unlisted<'m> {
    pub attribute: &'m str,
    pub listed: Vec<&'m str>,
    pub found: String,
}

/// The record as rules see it.
pub(crate) struct Subject<'r> {
    pub service: &'r str,
    /// Name of the span, empty for logs.
    pub span: &'r str,
    /// Event name of the log record, empty for spans.
    pub event: &'r str,
}

impl Mapping {
    /// Maps nothing: only `biz.*` counts.
    pub fn none() -> Self {
        Self::default()
    }

    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let file: File = toml::from_str(text).map_err(|e| {
            let offset = e.span().map_or(0, |span| span.start);
            error(text, offset, e.message().trim_end())
        })?;
        let mut mapping = Self::default();
        for rule in file.rule {
            let offset = rule.span().start;
            let rule = rule.into_inner();
            rule.check().map_err(|(at, detail)| error(text, at.unwrap_or(offset), &detail))?;
            mapping.watched.extend(rule.copy.values().map(|c| c.from().to_owned()));
            mapping.watched.extend(rule.when.attribute.clone());
            mapping.rules.push(rule);
        }
        Ok(mapping)
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(crate) fn watches(&self, attribute: &str) -> bool {
        !self.rules.is_empty() && self.watched.contains(attribute)
    }

    /// Gives `each` what the rules say of a record. `find` looks an attribute up; `text` reads its value.
    pub(crate) fn apply<'m, V: Copy>(
        &'m self,
        subject: &Subject<'_>,
        find: impl Fn(&str) -> Option<V>,
        text: impl Fn(V) -> String,
        mut each: impl FnMut(&'m str, Given<'m, V>),
    ) -> Result<(), Unlisted<'m>> {
        for rule in self.rules.iter().filter(|rule| rule.applies(subject, &find)) {
            for (name, copied) in &rule.copy {
                let Some(value) = find(copied.from()) else { continue };
                each(name.get_ref(), copied.value(value, &text)?);
            }
            for (name, constant) in &rule.set {
                each(name.get_ref(), Given::Constant(constant));
            }
        }
        Ok(())
    }
}

impl Copied {
    fn value<V: Copy>(&self, value: V, text: impl Fn(V) -> String) -> Result<Given<'_, V>, Unlisted<'_>> {
        let Self::Through(through) = self else { return Ok(Given::Attribute(value)) };
        if through.values.is_empty() {
            return Ok(Given::Attribute(value));
        }
        let found = text(value);
        match through.values.get(&found).or(through.default.as_ref()) {
            Some(meant) => Ok(Given::Constant(meant)),
            None => Err(Unlisted {
                attribute: &through.from,
                listed: through.values.keys().map(String::as_str).collect(),
                found,
            }),
        }
    }
}

impl Rule {
    /// A rule that copies applies only where at least one of its attributes is.
    fn applies<V>(&self, subject: &Subject<'_>, find: &impl Fn(&str) -> Option<V>) -> bool {
        let fits = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|w| matches(w, name));
        fits(&self.when.service, subject.service)
            && fits(&self.when.span, subject.span)
            && fits(&self.when.event, subject.event)
            && self.when.attribute.as_deref().is_none_or(|name| find(name).is_some())
            && (self.copy.is_empty() || self.copy.values().any(|c| find(c.from()).is_some()))
    }

    fn check(&self) -> Result<(), (Option<usize>, String)> {
        if self.set.is_empty() && self.copy.is_empty() {
            return Err((None, "a rule needs \"set\" or \"copy\"".to_owned()));
        }
        let When { service, span, event, attribute } = &self.when;
        if self.copy.is_empty() && [service, span, event, attribute].iter().all(|w| w.is_none()) {
            return Err((None, "a rule that copies nothing needs \"when\", else it would fit every record".to_owned()));
        }
        for name in self.set.keys().chain(self.copy.keys()) {
            check_name(name.get_ref()).map_err(|detail| (Some(name.span().start), detail))?;
        }
        if let Some((name, value)) =
            self.set.iter().find(|(n, v)| *n.get_ref() == "biz.object.type" && !is_object_type(v))
        {
            return Err((Some(name.span().start), format!("\"{value}\" is no object type")));
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), String> {
    if let Some(kind) = name.strip_prefix("biz.ref.") {
        return if is_object_type(kind) { Ok(()) } else { Err(format!("\"{kind}\" in \"{name}\" is no object type")) };
    }
    if ATTRIBUTES.iter().any(|a| a.name == name) || name.strip_prefix("biz.data.").is_some_and(|rest| !rest.is_empty())
    {
        return Ok(());
    }
    let near = crate::vocabulary::nearest(name, ATTRIBUTES.iter().map(|a| a.name));
    let hint = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
    Err(format!("\"{name}\" is no name of the biz namespace{hint}"))
}

fn matches(wanted: &str, name: &str) -> bool {
    match (wanted.strip_prefix('*'), wanted.strip_suffix('*')) {
        (Some(_), Some(_)) => name.contains(wanted.trim_matches('*')),
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => wanted == name,
    }
}

fn error(text: &str, offset: usize, detail: &str) -> MappingError {
    let before = text.get(..offset).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    MappingError {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
#[path = "mapping/tests.rs"]
mod tests;
