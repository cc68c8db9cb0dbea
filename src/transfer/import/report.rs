//! What an import says at its end.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::record::Refused;
use super::state::{Counts, State};

#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub files: Vec<FileReport>,
    /// All files together.
    pub total: Counts,
    /// Stopped before the end; the same command goes on.
    pub interrupted: bool,
}

#[derive(Debug, Serialize)]
pub struct FileReport {
    pub file: String,
    #[serde(flatten)]
    pub counts: Counts,
    /// Refused records by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Where they stand, with their lines and columns; empty when there are none.
    pub refused_file: String,
    pub done: bool,
    /// What an earlier run had left.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resumed: String,
    /// Why the file could not be read to its end.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    pub seconds: f64,
    #[serde(skip)]
    examples: Vec<Refused>,
}

impl Report {
    pub fn add(&mut self, path: &Path, outcome: anyhow::Result<State>, took: Duration) {
        let file = path.display().to_string();
        let seconds = (took.as_secs_f64() * 1_000.0).round() / 1_000.0;
        let one = match outcome {
            Err(error) => FileReport {
                file,
                counts: Counts::default(),
                reasons: BTreeMap::new(),
                refused_file: String::new(),
                done: false,
                resumed: String::new(),
                error: format!("{error:#}"),
                seconds,
                examples: Vec::new(),
            },
            Ok(state) => {
                let refused_file = match state.counts.refused {
                    0 => String::new(),
                    _ => state.refused_file().display().to_string(),
                };
                FileReport {
                    file,
                    counts: state.counts,
                    reasons: state.reasons,
                    refused_file,
                    done: state.done,
                    resumed: state.resumed,
                    error: state.error,
                    seconds,
                    examples: state.examples,
                }
            }
        };
        let total = &mut self.total;
        total.read += one.counts.read;
        total.accepted += one.counts.accepted;
        total.duplicates += one.counts.duplicates;
        total.refused += one.counts.refused;
        self.files.push(one);
    }

    /// Everything of every file was taken, now or before.
    pub fn is_clean(&self) -> bool {
        !self.interrupted && self.files.iter().all(|f| f.done && f.counts.refused == 0 && f.error.is_empty())
    }

    /// For people.
    pub fn words(&self) -> String {
        let mut lines = Vec::new();
        for file in &self.files {
            let c = &file.counts;
            if !file.resumed.is_empty() {
                lines.push(format!("{}: {}", file.file, file.resumed));
            }
            lines.push(format!(
                "{}: {} read, {} accepted, {} duplicates, {} refused, {:.1} s",
                file.file, c.read, c.accepted, c.duplicates, c.refused, file.seconds
            ));
            for (code, count) in &file.reasons {
                lines.push(format!("  {count} {code}"));
            }
            for one in &file.examples {
                let pointer = if one.pointer.is_empty() { String::new() } else { format!(" at {}", one.pointer) };
                let expected = if one.expected.is_empty() {
                    String::new()
                } else {
                    format!(" Expected {}, found {}.", one.expected, one.found)
                };
                lines.push(format!(
                    "  line {}, column {}: {}{pointer}: {}{expected}",
                    one.line, one.column, one.code, one.detail
                ));
            }
            if !file.refused_file.is_empty() {
                lines.push(format!("  all refused records, each with its reason: {}", file.refused_file));
            }
            if !file.error.is_empty() {
                lines.push(format!("  {}", file.error));
            }
        }
        if self.files.len() > 1 {
            let c = &self.total;
            lines.push(format!(
                "all files: {} read, {} accepted, {} duplicates, {} refused",
                c.read, c.accepted, c.duplicates, c.refused
            ));
        }
        if self.interrupted {
            lines.push("stopped before the end; the same command goes on from here".to_owned());
        }
        lines.join("\n")
    }
}
