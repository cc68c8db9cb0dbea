//! Definitions: what a workflow is made of, read from TOML. A definition that does not make sense is refused with
//! its place; nothing here reads files. A file per section.

mod milestones;
mod overlay;
mod reader;
mod rulebook;
mod slas;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

pub use self::milestones::{MilestoneRule, Quantity};
pub use self::overlay::Difference;
use self::reader::Reader;
pub use self::rulebook::{Files, Rulebook, Shelf};
pub use self::slas::{Limit, SlaRule, duration};
use super::readiness::{self, Rules};

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
    /// When what it bills may be billed; the same for all definitions of a set.
    pub readiness: Arc<Rules>,
}

/// All definitions that hold for one tenant, and what they share. One root type has one definition.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    workflows: Vec<Arc<Definition>>,
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
    title: String,
    root: Spanned<String>,
    #[serde(default)]
    reach: BTreeMap<String, Vec<String>>,
    milestones: Vec<milestones::Entry>,
    #[serde(default)]
    slas: Vec<slas::Entry>,
}

/// Files beside the workflow definitions that other rooms read.
const NO_WORKFLOWS: [&str; 4] = ["mapping.toml", "exceptions.toml", "alerts.toml", "readiness.toml"];

impl Definitions {
    /// Reads a set of files. All errors of all files come back together.
    pub fn load(files: &Files) -> Result<Self, Vec<DefinitionError>> {
        let mut workflows: Vec<Arc<Definition>> = Vec::new();
        let mut errors = Vec::new();
        let rules =
            files.get(readiness::FILE).map_or_else(|| Ok(Rules::default()), |text| Rules::parse(readiness::FILE, text));
        let rules = Arc::new(rules.unwrap_or_else(|mut found| {
            errors.append(&mut found);
            Rules::default()
        }));
        for (name, text) in files.in_folder("", "toml").filter(|(name, _)| !NO_WORKFLOWS.contains(name)) {
            match Definition::parse(name, text) {
                Ok(definition) => match workflows.iter().find(|d| d.root == definition.root || d.key == definition.key)
                {
                    Some(other) => errors.push(DefinitionError {
                        file: name.to_owned(),
                        line: 1,
                        column: 1,
                        what: format!("root `{}` already belongs to the definition `{}`", definition.root, other.key),
                    }),
                    None => workflows.push(Arc::new(Definition { readiness: Arc::clone(&rules), ..definition })),
                },
                Err(mut found) => errors.append(&mut found),
            }
        }
        workflows.sort_by(|a, b| (a.root != "order", &a.key).cmp(&(b.root != "order", &b.key)));
        if errors.is_empty() { Ok(Self { workflows }) } else { Err(errors) }
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
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<DefinitionError>> {
        let mut reader = Reader::new(file, text);
        let read: File = match toml::from_str(text) {
            Ok(read) => read,
            Err(error) => {
                reader.fault(error.span().map_or(0, |s| s.start), error.message().trim());
                return Err(reader.faults);
            }
        };
        let root = read.root.get_ref().clone();
        let known = |kind: &str| kind == root || read.reach.values().flatten().any(|k| k == kind);
        let milestones = milestones::read(&read.milestones, &root, known, &mut reader);
        if milestones.is_empty() {
            reader.fault(read.key.span().start, "a definition needs at least one milestone");
        }
        let slas = slas::read(&read.slas, &milestones, &mut reader);
        if !reader.faults.is_empty() {
            return Err(reader.faults);
        }
        let key = read.key.into_inner();
        let readiness = Arc::default();
        Ok(Self { key, version: read.version, title: read.title, root, reach: read.reach, milestones, slas, readiness })
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

#[cfg(test)]
#[path = "definition_tests.rs"]
mod tests;
