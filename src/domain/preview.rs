//! What other rules would have made of workflows: one by one compared, and summed up with examples.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Verdict, Workflow};

/// Examples that are kept of each change.
const EXAMPLES: usize = 5;

/// What differs over many workflows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    pub workflows: u64,
    /// Workflows of which anything differs.
    pub changed: u64,
    pub changes: Vec<Shift>,
    /// Whether there are more workflows in the time than were looked at.
    pub cut: bool,
}

/// A change, and how many workflows it would have concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    pub definition: String,
    /// `status`, `stage`, `sla promised-ship`
    pub what: String,
    /// Empty where there was, or would be, nothing.
    pub from: String,
    pub to: String,
    pub count: u64,
    /// Ids of root objects, the first few.
    pub examples: Vec<String>,
}

/// What changed from what to what, and where.
type Turn = (String, String, String, String);

/// Gathers comparisons.
#[derive(Debug, Default)]
pub struct Comparison {
    preview: Preview,
    shifts: BTreeMap<Turn, (u64, Vec<String>)>,
}

impl Comparison {
    /// One workflow by the rules that hold, and by the others. None where the rules make no workflow of it.
    pub fn add(&mut self, now: Option<&Workflow>, then: Option<&Workflow>) {
        let Some(one) = then.or(now) else { return };
        self.preview.workflows += 1;
        let mut changes: Vec<(String, String, String)> = Vec::new();
        let mut compare = |what: &str, from: String, to: String| {
            if from != to {
                changes.push((what.to_owned(), from, to));
            }
        };
        let of = |flow: Option<&Workflow>, read: fn(&Workflow) -> String| flow.map_or_else(String::new, read);
        compare("status", of(now, |w| w.status.as_str().to_owned()), of(then, |w| w.status.as_str().to_owned()));
        compare("stage", of(now, |w| w.stage.clone()), of(then, |w| w.stage.clone()));
        compare(
            "readiness",
            of(now, |w| w.readiness.state.as_str().to_owned()),
            of(then, |w| w.readiness.state.as_str().to_owned()),
        );
        let (before, after) = (verdicts(now), verdicts(then));
        for policy in before.keys().chain(after.keys().filter(|p| !before.contains_key(*p))) {
            let word = |of: &BTreeMap<String, String>| of.get(policy).cloned().unwrap_or_default();
            compare(&format!("sla {policy}"), word(&before), word(&after));
        }
        if changes.is_empty() {
            return;
        }
        self.preview.changed += 1;
        for (what, from, to) in changes {
            let (count, examples) = self.shifts.entry((one.definition.clone(), what, from, to)).or_default();
            *count += 1;
            if examples.len() < EXAMPLES {
                examples.push(one.root.to_string());
            }
        }
    }

    /// The most frequent change first.
    pub fn finish(self, cut: bool) -> Preview {
        let mut preview = self.preview;
        let shift =
            |((definition, what, from, to), (count, examples))| Shift { definition, what, from, to, count, examples };
        preview.changes = self.shifts.into_iter().map(shift).collect();
        preview.changes.sort_by_key(|change| std::cmp::Reverse(change.count));
        preview.cut = cut;
        preview
    }
}

/// Verdict by policy, as a word.
fn verdicts(flow: Option<&Workflow>) -> BTreeMap<String, String> {
    let slas = flow.map(|w| w.slas.as_slice()).unwrap_or_default();
    slas.iter().map(|sla| (sla.policy.clone(), word(sla.verdict))).collect()
}

fn word(verdict: Verdict) -> String {
    let text = serde_json::to_value(verdict).unwrap_or_default();
    text.as_str().unwrap_or_default().replace('_', " ")
}
