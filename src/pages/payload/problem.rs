//! What was wrong with a record, as its page lists it.

use milepost_ingest::EVENT_TYPES;
use serde::Serialize;

use crate::pages::{failures, mask, words};
use crate::store::rows::FailureRow;

#[derive(Debug, Serialize)]
pub struct Problem {
    pub number: usize,
    pub title: String,
    pub stage: &'static str,
    pub code: String,
    pub pointer: String,
    pub offset: Option<i64>,
    pub expected: String,
    pub found: String,
    pub detail: String,
    /// `approved`: what was probably meant.
    pub suggestion: String,
    pub target: String,
    pub version: u32,
    pub line: usize,
    pub record: u32,
    pub record_href: String,
    pub group_href: String,
}

pub fn problem(tenant: &str, at: usize, failure: &FailureRow, line: usize, open: bool) -> Problem {
    let hide = |text: &str| if open { text.to_owned() } else { mask::value(&failure.pointer, text) };
    Problem {
        number: at + 1,
        title: failures::title(&failure.code, &failure.pointer),
        stage: failures::stage(&failure.stage),
        code: failure.code.clone(),
        line,
        pointer: failure.pointer.clone(),
        offset: (failure.offset >= 0).then_some(failure.offset),
        expected: failure.expected.clone(),
        found: hide(&failure.found),
        detail: if open { failure.detail.clone() } else { mask::text(&failure.detail) },
        suggestion: suggestion(failure),
        target: failure.target.clone(),
        version: failure.schema_version,
        record: failure.index,
        record_href: words::tenant_path(
            tenant,
            &format!("payloads/{}", words::payload_id(failure.payload, Some(failure.index))),
        ),
        group_href: failures::group_path(tenant, failure.fingerprint),
    }
}

/// What was probably meant, among what is allowed.
pub fn suggestion(failure: &FailureRow) -> String {
    let found = failure.found.trim_matches('"').to_lowercase();
    let allowed: Vec<&str> = match failure.code.as_str() {
        "not_in_list" | "unmapped_value" => failure.expected.split(" or ").collect(),
        "unknown_event_type" => EVENT_TYPES.iter().map(|kind| kind.name).collect(),
        _ => return String::new(),
    };
    let near = |word: &&str| strsim::jaro_winkler(&found, &word.to_lowercase());
    let best = allowed.into_iter().map(|word| (near(&word), word)).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness > 0.8).map(|(_, word)| word.to_owned()).unwrap_or_default()
}
