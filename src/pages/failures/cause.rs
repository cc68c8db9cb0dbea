//! The cause of failures in business words: what was wrong, where, at which stage, and what to do about it.

use crate::pages::{mask, words};
use crate::store::FailureGroup;

/// `Unknown SKU at lines[].sku`: the cause in words, and the place without positions.
pub fn title(code: &str, pointer: &str) -> String {
    let place = place(pointer);
    let field = place.rsplit('.').next().unwrap_or_default().trim_end_matches("[]").replace('_', " ");
    let field = words::capital(&field);
    let on_line = if place.contains("lines[]") { " on a line" } else { "" };
    match (code, field.is_empty()) {
        ("missing_field", false) => format!("{field} is missing{on_line}"),
        ("wrong_type" | "wrong_format" | "invalid_time", false) => format!("{field} is written wrongly{on_line}"),
        ("not_in_list", false) => format!("{field} has a value that is not listed{on_line}"),
        ("out_of_range", false) => format!("{field} is too small or too large{on_line}"),
        ("time_without_zone", false) => format!("{field} has no time zone{on_line}"),
        ("inexact_number", false) => format!("{field} cannot be kept exactly{on_line}"),
        ("conflicting_duplicate", _) => "One id used for two different events".into(),
        ("dead_lettered", true) => "Given up by middleware".into(),
        ("message_failed", true) => "Message failed in middleware".into(),
        ("span_error", _) => "A step ended in an error".into(),
        (code, true) => words::capital(&code.replace('_', " ")),
        (code, false) => format!("{} at {place}", words::capital(&code.replace('_', " "))),
    }
}

/// The title of a group in business words: what went wrong, doing what, to whom.
pub fn headline(group: &FailureGroup) -> String {
    let what = title(&group.code, &group.pointer);
    let to = if group.target.is_empty() { String::new() } else { format!(" → {}", group.target) };
    let said = mask::text(&group.step);
    match (group.code.as_str(), said.is_empty()) {
        ("dead_lettered" | "message_failed", false) => format!("{}{to}", words::capital(&said)),
        (_, false) => format!("{what} in “{said}”{to}"),
        (_, true) => format!("{what}{to}"),
    }
}

/// `/data/lines/3/sku` → `data.lines[].sku`.
pub fn place(pointer: &str) -> String {
    let mut out = String::new();
    // Within an OTLP request only the way from the record on says something.
    let records = ["/logRecords/", "/spans/", "/dataPoints/"];
    let record = records.iter().find_map(|name| pointer.split_once(name)).map(|(_, rest)| rest);
    let pointer = record.and_then(|rest| rest.find('/').map(|at| &rest[at..])).unwrap_or(pointer);
    for part in pointer.split('/').skip(1) {
        if part == "*" || (!part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())) {
            out.push_str("[]");
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&part.replace("~1", "/").replace("~0", "~"));
        }
    }
    out
}

pub fn stage(key: &str) -> &'static str {
    match key {
        "decode" => "Could not be read",
        "validate" => "Against its contract",
        "map" => "Could not be mapped",
        "deliver" => "Not delivered downstream",
        "process" => "Failed while worked on",
        _ => "Refused",
    }
}

pub fn advice(stage: &str, code: &str) -> &'static str {
    if code == "conflicting_duplicate" {
        return "The sender used one id for two different events. Each event needs an id of its own; the first one stays.";
    }
    match stage {
        "decode" => "The sender has to send well-formed bodies. Nothing of such a body can be taken.",
        "validate" => {
            "Mend the field at the sender, or the contract if the sender is right, then send it again with the same id."
        }
        "map" => "Mend the mapping of this source, or have the sender name its business object, then send it again.",
        "deliver" => {
            "The receiving system refused it or was away. Its own log has the reason; the middleware sends it again."
        }
        "process" => "The system's own trace shows the step that failed; mend the cause there and let it work again.",
        _ => "Mend the cause at the sender and send it again with the same id.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_in_words_and_without_positions() {
        assert_eq!(title("unknown_sku", "/data/lines/3/sku"), "Unknown sku at data.lines[].sku");
        assert_eq!(title("missing_field", "/data/lines/3/quantity"), "Quantity is missing on a line");
        assert_eq!(title("not_in_list", "/data/verdict"), "Verdict has a value that is not listed");
        assert_eq!(title("not_json", ""), "Not json");
        assert_eq!(place("/a~1b/*/c"), "a/b[].c");
        assert_eq!(place("/resourceLogs/0/scopeLogs/1/logRecords/7/body/lines/0/quantity"), "body.lines[].quantity");
    }

    #[test]
    fn a_headline_names_what_was_done_and_to_whom() {
        let group = |code: &str, step: &str, target: &str| {
            headline(&FailureGroup {
                code: code.into(),
                step: step.into(),
                target: target.into(),
                ..FailureGroup::default()
            })
        };
        assert_eq!(group("dead_lettered", "unknown sku *", "erp/orders"), "Unknown sku * → erp/orders");
        assert_eq!(group("dead_lettered", "", "erp"), "Given up by middleware → erp");
        assert_eq!(group("http_503", "POST /post", "ledger"), "Http 503 in “POST /post” → ledger");
    }
}
