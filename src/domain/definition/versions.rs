//! Versions of a definition. The newest stands in `order-to-cash.toml`, older ones are kept as `order-to-cash@1.toml`.
//! A workflow keeps the version that was in force when its root's first event happened, until an act on the root
//! migrates it. Both are functions of facts, so a restart and a look into the past give the same version.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Definition, DefinitionError, Definitions};
use crate::domain::fact::Fact;

/// What an act on the root is called that takes a workflow to another version.
pub const MIGRATED: &str = "definition.migrated";

impl Definitions {
    /// All versions of a definition, the newest first.
    pub fn versions(&self, key: &str) -> Vec<&Arc<Definition>> {
        let mut all: Vec<&Arc<Definition>> =
            self.workflows.iter().chain(&self.older).filter(|d| d.key == key).collect();
        all.sort_by_key(|d| std::cmp::Reverse(d.version));
        all
    }

    /// Whether any definition has older versions.
    pub fn has_versions(&self) -> bool {
        !self.older.is_empty()
    }

    /// The definition by which a workflow goes. `facts` and `acts` are those of its root.
    pub fn of_workflow(&self, root: &str, facts: &[Fact], acts: &[Fact]) -> Option<&Arc<Definition>> {
        let current = self.of_root(root)?;
        let versions = self.versions(&current.key);
        let asked = acts.iter().rev().filter(|act| &*act.kind == MIGRATED).find_map(|act| {
            let to = act.detail.act.as_ref()?.get("to")?.as_u64()?;
            versions.iter().find(|d| u64::from(d.version) == to)
        });
        if let Some(asked) = asked {
            return Some(asked);
        }
        let began = facts.first().map(|f| f.occurred_at)?;
        Some(
            versions
                .iter()
                .find(|d| d.since.is_none_or(|since| since <= began))
                .copied()
                .unwrap_or(versions[versions.len() - 1]),
        )
    }
}

/// Key and version of `order-to-cash@1.toml`; None for a current version.
pub fn of_name(file: &str) -> Option<(&str, &str)> {
    file.strip_suffix(".toml")?.split_once('@')
}

/// Whether old and new versions make one history; complaints name the file.
pub fn check(workflows: &[Arc<Definition>], older: &[Arc<Definition>]) -> Vec<DefinitionError> {
    let mut wrong = Vec::new();
    let fault = |d: &Definition, what: String| DefinitionError { file: d.file.clone(), line: 1, column: 1, what };
    for old in older {
        let Some(current) = workflows.iter().find(|d| d.key == old.key) else {
            wrong.push(fault(old, format!("there is no current definition `{}`, in {0}.toml", old.key)));
            continue;
        };
        if old.version >= current.version {
            let what = format!(
                "version {} is not older than that of {} ({}): give the changed definition a higher version",
                old.version, current.file, current.version
            );
            wrong.push(fault(old, what));
        }
        if old.root != current.root {
            wrong.push(fault(
                old,
                format!("its root is `{}`, that of {} is `{}`", old.root, current.file, current.root),
            ));
        }
        let newer: Option<&Arc<Definition>> = workflows
            .iter()
            .chain(older)
            .filter(|d| d.key == old.key && d.version > old.version)
            .min_by_key(|d| d.version);
        if let Some(newer) = newer {
            let starts = |d: &Definition| d.since.unwrap_or(DateTime::<Utc>::MIN_UTC);
            if newer.since.is_none() || starts(newer) <= starts(old) {
                let what = format!(
                    "version {} needs a `since` after that of version {}: workflows that begin from then on go by it",
                    newer.version, old.version
                );
                wrong.push(fault(newer, what));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::{Definitions, Files};

    fn definition(version: u32, since: &str) -> String {
        let since = if since.is_empty() { String::new() } else { format!("since = '{since}'\n") };
        format!(
            "key = 'x'\nversion = {version}\n{since}title = 'X'\nroot = 'order'\n[[milestones]]\nkey = 'a'\ntitle = 'A'\nsystem = 'erp'\nevents = ['order.created']\n"
        )
    }

    fn load(files: &[(&str, String)]) -> Result<Definitions, String> {
        let files: Files = files.iter().map(|(name, text)| (*name, text.clone())).collect();
        Definitions::load(&files)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn old_versions_stand_beside_the_new_one_and_make_one_history() {
        let good = load(&[("x.toml", definition(2, "2026-11-01")), ("x@1.toml", definition(1, ""))]).unwrap();
        assert_eq!(good.versions("x").iter().map(|d| d.version).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(good.iter().count(), 1);
        let bad = |files: &[(&str, String)]| load(files).unwrap_err();
        assert_eq!(
            bad(&[("x.toml", definition(2, "")), ("x@1.toml", definition(1, ""))]),
            "x.toml:1:1: version 2 needs a `since` after that of version 1: workflows that begin from then on go by it"
        );
        assert!(
            bad(&[("x.toml", definition(1, "2026-11-01")), ("x@1.toml", definition(1, ""))]).contains("higher version")
        );
        assert!(bad(&[("x.toml", definition(2, "2026-11-01")), ("x@3.toml", definition(1, ""))]).contains("x@1.toml"));
        assert!(bad(&[("x@1.toml", definition(1, ""))]).contains("no current definition `x`"));
        assert!(bad(&[("x.toml", definition(2, "soon"))]).contains("x.toml:3:9: `soon` is no time"));
    }
}
