//! Two payloads line by line: what only one of them has, with a little of what they share around it.

use std::time::{Duration, Instant};

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

/// Lines that both have, shown around a difference.
const CONTEXT: usize = 3;
const MAX_LINES: usize = 2_000;
/// After this the rest is compared only roughly.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct DiffLine {
    /// `same`, `add` (only in the second), `del` (only in the first), `gap`.
    pub kind: &'static str,
    pub old: usize,
    pub new: usize,
    pub text: String,
}

pub fn diff(old: &str, new: &str) -> Vec<DiffLine> {
    let mut config = TextDiff::configure();
    let compared = config.deadline(Instant::now() + PATIENCE).diff_lines(old, new);
    let mut lines = Vec::new();
    for (place, group) in compared.grouped_ops(CONTEXT).iter().enumerate() {
        if place > 0 {
            lines.push(DiffLine { kind: "gap", old: 0, new: 0, text: String::new() });
        }
        for change in group.iter().flat_map(|op| compared.iter_changes(op)) {
            let kind = match change.tag() {
                ChangeTag::Equal => "same",
                ChangeTag::Insert => "add",
                ChangeTag::Delete => "del",
            };
            lines.push(DiffLine {
                kind,
                old: change.old_index().map_or(0, |at| at + 1),
                new: change.new_index().map_or(0, |at| at + 1),
                text: change.value().trim_end_matches(['\n', '\r']).to_owned(),
            });
            if lines.len() >= MAX_LINES {
                return lines;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown_with_its_surroundings() {
        let old: String = (0..40).map(|n| format!("line {n}\n")).collect();
        let new = old.replace("line 20\n", "line twenty\n");
        let shown = diff(&old, &new);
        let of = |kind: &str| {
            shown.iter().filter(|line| line.kind == kind).map(|line| line.text.as_str()).collect::<Vec<_>>()
        };
        assert_eq!((of("del"), of("add"), of("same").len()), (vec!["line 20"], vec!["line twenty"], 6));
        assert_eq!(diff(&old, &old), []);
    }
}
