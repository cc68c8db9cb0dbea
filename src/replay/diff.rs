//! What an edit changed, line by line, with a little of what stands around it.

use serde::Serialize;
use similar::{Algorithm, ChangeTag, TextDiff};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// `same`, `gone`, `new`, or `gap` for lines left out.
    pub kind: &'static str,
    pub text: String,
    /// From 1; 0 where the side has no such line.
    pub before: usize,
    pub after: usize,
}

const AROUND: usize = 3;
/// Lines that are shown at most.
const MOST: usize = 2_000;
/// Beyond this the rest counts as changed: a page does not wait longer.
const PATIENCE: Duration = Duration::from_millis(300);

pub fn diff(before: &str, after: &str) -> Vec<Line> {
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).timeout(PATIENCE).diff_lines(before, after);
    let mut lines = Vec::new();
    for (at, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if at > 0 {
            lines.push(Line { kind: "gap", text: String::new(), before: 0, after: 0 });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let kind = match change.tag() {
                ChangeTag::Equal => "same",
                ChangeTag::Delete => "gone",
                ChangeTag::Insert => "new",
            };
            lines.push(Line {
                kind,
                text: change.value().trim_end_matches(['\r', '\n']).to_owned(),
                before: change.old_index().map_or(0, |at| at + 1),
                after: change.new_index().map_or(0, |at| at + 1),
            });
            if lines.len() >= MOST {
                return lines;
            }
        }
    }
    lines
}

/// JSON on lines of its own, so that a diff shows fields; other text as it is.
pub fn pretty(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok())
        .unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_field_is_shown_with_what_stands_around_it() {
        let before = pretty(r#"{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7}"#);
        let after = pretty(r#"{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 60, "g": 7}"#);
        let lines = diff(&before, &after);
        let shown: Vec<(&str, &str)> = lines.iter().map(|l| (l.kind, l.text.trim())).collect();
        assert!(shown.contains(&("gone", "\"f\": 6,")) && shown.contains(&("new", "\"f\": 60,")));
        assert!(!shown.iter().any(|(_, text)| text.contains("\"a\"")), "far lines are left out");
        assert_eq!(diff(&before, &before), []);
    }
}
