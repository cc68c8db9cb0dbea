//! Definitions: what a workflow is made of, read from TOML. A definition that does not make sense is refused with
//! its place; nothing here reads files. A file per section.

mod milestones;
mod overlay;
pub(super) mod reader;
mod rulebook;
mod slas;
mod versions;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use milepost_ingest::OBJECT_TYPES;
use serde::Deserialize;
use toml::Spanned;

use super::actions::Action;
use super::calendar::Calendars;
use super::exceptions::catalogue::Catalogue;
use super::slas::SlaRule;

pub use self::milestones::{EventMatch, Group, MilestoneRule, Per, Prefer, Quantity, RollUp};
pub use self::overlay::Difference;
pub(super) use self::reader::Reader;
pub use self::rulebook::{Files, Rulebook, Shelf};
pub(super) use self::slas::calendar;
pub use self::slas::{allowance, duration};
pub use self::versions::MIGRATED;
use super::readiness::{self, Rules};

/// One workflow definition.
#[derive(Clone, Debug)]
pub struct Definition {
    pub key: String,
    pub version: u32,
    /// Workflows that begin from then on go by this version; None for all.
    pub since: Option<DateTime<Utc>>,
    pub title: String,
    /// Object type of the root.
    pub root: String,
    /// From an object of one type to linked objects of others.
    pub reach: BTreeMap<String, Vec<String>>,
    pub milestones: Vec<MilestoneRule>,
    pub slas: Vec<SlaRule>,
    /// When what it bills may be billed; the same for all definitions of a set.
    pub readiness: Arc<Rules>,
    /// Path of its file.
    pub file: String,
    /// What is odd in it.
    pub warnings: Vec<DefinitionError>,
}

/// All definitions that hold for one tenant, and what they share. One root type has one definition.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    workflows: Vec<Arc<Definition>>,
    pub calendars: Arc<Calendars>,
    /// What is odd in calendars and holiday feeds.
    pub odd: Vec<DefinitionError>,
    /// What is known about each kind of exception.
    pub exceptions: Catalogue,
    /// What may be asked of other systems about a workflow.
    pub actions: Vec<Action>,
    /// Versions that workflows began with before.
    older: Vec<Arc<Definition>>,
}

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
    since: Option<Spanned<String>>,
    title: String,
    root: Spanned<String>,
    #[serde(default)]
    reach: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
    milestones: Vec<milestones::Entry>,
    #[serde(default)]
    slas: Vec<slas::Entry>,
    #[serde(default)]
    pauses: Vec<slas::PauseEntry>,
}

const EXCEPTIONS: &str = "exceptions.toml";
/// Files beside the workflow definitions that other rooms read.
const NO_WORKFLOWS: [&str; 4] = ["mapping.toml", "exceptions.toml", "alerts.toml", "readiness.toml"];

impl Definitions {
    /// Reads a set of files. All errors of all files come back together.
    pub fn load(files: &Files) -> Result<Self, Vec<DefinitionError>> {
        let mut workflows: Vec<Arc<Definition>> = Vec::new();
        let mut older: Vec<Arc<Definition>> = Vec::new();
        let read = Calendars::load(files);
        let (calendars, mut errors, odd) = (Arc::new(read.calendars), read.errors, read.warnings);
        let rules =
            files.get(readiness::FILE).map_or_else(|| Ok(Rules::default()), |text| Rules::parse(readiness::FILE, text));
        let rules = Arc::new(rules.unwrap_or_else(|mut found| {
            errors.append(&mut found);
            Rules::default()
        }));
        for (name, text) in files.in_folder("", "toml").filter(|(name, _)| !NO_WORKFLOWS.contains(name)) {
            let fault = |what: String| DefinitionError { file: name.to_owned(), line: 1, column: 1, what };
            let definition = match Definition::read(name, text, &calendars) {
                Ok(definition) => definition,
                Err(mut found) => {
                    errors.append(&mut found);
                    continue;
                }
            };
            if let Some((key, version)) = versions::of_name(name) {
                if (key, version) != (&definition.key, &definition.version.to_string()) {
                    let name = format!("{}@{}.toml", definition.key, definition.version);
                    errors.push(fault(format!("an older version is called by its key and version: {name}")));
                }
                older.push(Arc::new(Definition { readiness: Arc::clone(&rules), ..definition }));
                continue;
            }
            match workflows.iter().find(|d| d.root == definition.root || d.key == definition.key) {
                Some(other) => {
                    let what = format!("root `{}` already belongs to the definition `{}`", definition.root, other.key);
                    errors.push(fault(what));
                }
                None => workflows.push(Arc::new(Definition { readiness: Arc::clone(&rules), ..definition })),
            }
        }
        workflows.sort_by(|a, b| (a.root != "order", &a.key).cmp(&(b.root != "order", &b.key)));
        errors.extend(versions::check(&workflows, &older));
        let (actions, mut found) = super::actions::load(files);
        errors.append(&mut found);
        let exceptions = files.get(EXCEPTIONS).map(|text| Catalogue::parse(EXCEPTIONS, text, &calendars)).transpose();
        let exceptions = exceptions.unwrap_or_else(|mut found| {
            errors.append(&mut found);
            None
        });
        if errors.is_empty() {
            Ok(Self { workflows, older, calendars, odd, exceptions: exceptions.unwrap_or_default(), actions })
        } else {
            Err(errors)
        }
    }

    /// Puts another place to what is odd.
    fn tell_again(&mut self, told: impl Fn(DefinitionError) -> DefinitionError) {
        let again = |all: &mut Vec<DefinitionError>| *all = std::mem::take(all).into_iter().map(&told).collect();
        again(&mut self.odd);
        for definition in self.workflows.iter_mut().chain(&mut self.older) {
            if let Some(definition) = Arc::get_mut(definition) {
                again(&mut definition.warnings);
            }
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.workflows.iter()
    }

    pub fn of_root(&self, kind: &str) -> Option<&Arc<Definition>> {
        self.workflows.iter().find(|d| d.root == kind)
    }

    pub fn by_key(&self, key: &str) -> Option<&Arc<Definition>> {
        self.workflows.iter().find(|d| d.key == key)
    }
}

impl Definition {
    /// A definition by itself, without calendars of its own.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<DefinitionError>> {
        Self::read(file, text, &Arc::default())
    }

    pub fn read(file: &str, text: &str, calendars: &Arc<Calendars>) -> Result<Self, Vec<DefinitionError>> {
        let mut reader = Reader::new(file, text);
        let read: File = match toml::from_str(text) {
            Ok(read) => read,
            Err(error) => {
                reader.toml(&error);
                return Err(reader.faults);
            }
        };
        let root = read.root.get_ref().clone();
        let reach = reach(&read, &mut reader);
        let known = |kind: &str| kind == root || reach.values().flatten().any(|k| k == kind);
        let mut kinds = vec![root.clone()];
        kinds.extend(reach.values().flatten().cloned());
        let milestones = milestones::read(&read.milestones, known, &kinds, &mut reader);
        if milestones.is_empty() {
            reader.fault(read.key.span().start, "a definition needs at least one milestone");
        }
        let slas = {
            let around = slas::Around { milestones: &milestones, calendars, pauses: &read.pauses };
            slas::read(&read.slas, &around, &mut reader)
        };
        let since = read.since.as_ref().and_then(|said| {
            let time = moment(said.get_ref());
            if time.is_none() {
                let what = format!("`{}` is no time: expected 2026-11-22 or 2026-11-22T10:00:00+01:00", said.get_ref());
                reader.fault(said.span().start, what);
            }
            time
        });
        if !reader.faults.is_empty() {
            return Err(reader.faults);
        }
        let (key, file, warnings) = (read.key.into_inner(), file.to_owned(), reader.warnings);
        let (version, title, readiness) = (read.version, read.title, Arc::default());
        Ok(Self { key, version, since, title, root, reach, milestones, slas, readiness, file, warnings })
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

/// Types must be known ones; a type from which the root does not lead on is odd.
fn reach(read: &File, reader: &mut Reader<'_>) -> BTreeMap<String, Vec<String>> {
    let root = read.root.get_ref();
    let mut know = |kind: &Spanned<String>| {
        if !OBJECT_TYPES.contains(&kind.get_ref().as_str()) {
            let meant = milestones::meant(kind.get_ref(), OBJECT_TYPES.iter().copied());
            reader.fault(kind.span().start, format!("no business object has the type `{}`{meant}", kind.get_ref()));
        }
    };
    know(&read.root);
    for (from, to) in &read.reach {
        know(from);
        to.iter().for_each(&mut know);
    }
    for from in read.reach.keys() {
        let led_to = read.reach.values().flatten().any(|to| to.get_ref() == from.get_ref());
        if from.get_ref() != root && !led_to {
            reader.warn(
                from.span().start,
                format!("nothing leads to `{}`, so what it reaches is not reached", from.get_ref()),
            );
        }
    }
    let plain = |to: &Vec<Spanned<String>>| to.iter().map(|k| k.get_ref().clone()).collect();
    read.reach.iter().map(|(from, to)| (from.get_ref().clone(), plain(to))).collect()
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    let day = || text.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()).or_else(day)
}

#[cfg(test)]
#[path = "definition_tests.rs"]
mod tests;
