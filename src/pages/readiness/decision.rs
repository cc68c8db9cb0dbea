//! What somebody decides about a bill: checked the same way whether a form or a program says it.

use chrono::DateTime;
use serde_json::{Map, Value};

const MAX_REASON_CHARS: usize = 500;
const MAX_OWNER_CHARS: usize = 60;

#[derive(Clone, Copy, Debug, Default)]
pub struct Wish<'w> {
    pub decision: &'w str,
    pub reason: Option<&'w str>,
    /// A day or a moment; until released where there is none.
    pub until: Option<&'w str>,
    pub owner: Option<&'w str>,
    /// Reasons to set aside, by code.
    pub codes: &'w [String],
}

/// The field at fault, and what is wrong with it.
pub type Fault = (&'static str, &'static str);

/// Kind and data of the act that it is.
pub fn decision(wish: &Wish) -> Result<(&'static str, Map<String, Value>), Fault> {
    let filled = |text: Option<&str>, most: usize| -> Option<String> {
        let text = text?.trim();
        (!text.is_empty()).then(|| text.chars().take(most).collect())
    };
    let reason = filled(wish.reason, MAX_REASON_CHARS).ok_or(("reason", "Say why: a decision needs a reason."))?;
    let mut data: Map<String, Value> = [("reason".to_owned(), reason.into())].into_iter().collect();
    let kind = match wish.decision {
        "hold" => {
            if let Some(until) = wish.until.filter(|text| !text.is_empty()) {
                let whole = if until.contains('T') { until.to_owned() } else { format!("{until}T00:00:00Z") };
                if DateTime::parse_from_rfc3339(&whole).is_err() {
                    return Err(("until", "Until: expected a day like 2026-11-30."));
                }
                data.insert("until".to_owned(), whole.into());
            }
            "readiness.held"
        }
        "release" => "readiness.released",
        "ready" => {
            data.insert("codes".to_owned(), wish.codes.join(",").into());
            "readiness.marked_ready"
        }
        "unmark" => "readiness.unmarked",
        "ask" => {
            let owner = filled(wish.owner, MAX_OWNER_CHARS).ok_or(("owner", "Ask whom?"))?;
            data.insert("owner".to_owned(), owner.into());
            "readiness.asked"
        }
        _ => return Err(("decision", "There is no such decision.")),
    };
    Ok((kind, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_needs_a_reason_and_what_it_is_about() {
        let wish = Wish { decision: "hold", reason: Some(" price is checked "), ..Wish::default() };
        let (kind, data) = decision(&wish).expect("a hold");
        assert_eq!((kind, data["reason"].as_str()), ("readiness.held", Some("price is checked")));
        let faults = [
            (Wish { reason: Some(" "), ..wish }, "reason"),
            (Wish { until: Some("soon"), ..wish }, "until"),
            (Wish { decision: "ask", ..wish }, "owner"),
            (Wish { decision: "burn", ..wish }, "decision"),
        ];
        for (wish, field) in faults {
            assert_eq!(decision(&wish).err().map(|(field, _)| field), Some(field), "{wish:?}");
        }
        let until = decision(&Wish { until: Some("2026-11-30"), ..wish }).expect("a hold");
        assert_eq!(until.1["until"], "2026-11-30T00:00:00Z");
    }
}
