//! What a dry run found, in the words of the business: per workflow its state, quantities, clocks and holds, before and
//! after; then what would be refused again, and which calls would go out.

use milepost_ingest::Refusal;
use serde::Serialize;
use serde_json::Value;

use crate::pages::time::Clock;
use crate::pages::{failures, mask, words};
use crate::replay::{DryField, Forecast};

/// Changes that are listed of one section of a workflow.
const LISTED: usize = 12;
const FLOWS: usize = 20;
const PROBLEMS: usize = 20;
const CALLS: usize = 10;
const LONGEST: usize = 160;

#[derive(Debug, Serialize)]
pub struct Shown {
    pub verdict: String,
    pub good: bool,
    pub flows: Vec<Flow>,
    pub more_flows: usize,
    pub problems: Vec<Fault>,
    pub more_problems: usize,
    pub calls: Vec<Call>,
    pub more_calls: usize,
    pub no_calls: bool,
    pub held: Vec<words::Ref>,
    pub excluded: String,
}

#[derive(Debug, Serialize)]
pub struct Flow {
    pub workflow: words::Ref,
    pub new: bool,
    pub sections: Vec<Section>,
}

#[derive(Debug, Serialize)]
pub struct Section {
    pub title: &'static str,
    pub changes: Vec<Change>,
    pub more: usize,
}

#[derive(Debug, Serialize)]
pub struct Change {
    pub what: String,
    pub before: String,
    pub after: String,
}

/// What is wrong with a record, as pages say it.
#[derive(Debug, Serialize)]
pub struct Fault {
    pub payload: String,
    pub title: String,
    pub pointer: String,
    pub expected: String,
    pub found: String,
    pub detail: String,
}

#[derive(Debug, Serialize)]
pub struct Call {
    pub what: String,
    pub size: String,
    pub key: String,
}

impl Fault {
    pub fn of(payload: &str, refusal: &Refusal) -> Self {
        Self {
            payload: payload.to_owned(),
            title: failures::title(&refusal.code, &refusal.pointer),
            pointer: refusal.pointer.clone(),
            expected: refusal.expected.clone(),
            found: mask::value(&refusal.pointer, &refusal.found),
            detail: mask::text(&refusal.detail),
        }
    }
}

/// The sections in their order, and the fields of a workflow that stand in each.
const SECTIONS: [(&str, &[&str]); 6] = [
    ("State", &["status", "stage", "blocked_by", "closed_at", "milestones"]),
    ("Quantities", &["lines", "discrepancies"]),
    ("Clocks", &["slas"]),
    ("Holds and exceptions", &["exceptions", "cured", "readiness"]),
    ("Objects", &["objects"]),
    ("Facts", &["customer", "amount", "priority", "warehouse", "carrier", "lane", "last_event"]),
];
/// Beside what they follow from, these say nothing.
const NOISE: [&str; 14] = [
    "evidence",
    "events",
    "arithmetic",
    "known_at",
    "first_known",
    "warn_at",
    "beliefs",
    "id",
    "wakes_at",
    "checks",
    "received_at",
    "share",
    "by",
    // What blocks it and its reasons say it shorter.
    "units",
];

pub fn shown(tenant: &str, clock: &Clock, forecast: &Forecast) -> Shown {
    let changed = forecast.workflows.len() as u64;
    let tried = if forecast.tried < forecast.count {
        format!("The first {} of {} were tried: ", forecast.tried, words::count(forecast.count as u64))
    } else {
        String::new()
    };
    let mut said = Vec::new();
    if changed > 0 {
        said.push(format!("{} would change", words::plural(changed, "workflow", "workflows")));
    }
    if !forecast.calls.is_empty() {
        said.push(format!("{} would go out", words::plural(forecast.calls.len() as u64, "call", "calls")));
    }
    if forecast.duplicates > 0 {
        said.push(format!(
            "{} there already and would change nothing",
            words::plural(forecast.duplicates as u64, "event is", "events are")
        ));
    }
    if !forecast.problems.is_empty() {
        said.push(format!(
            "{} would be refused again",
            words::plural(forecast.problems.len() as u64, "record", "records")
        ));
    }
    if !forecast.held.is_empty() {
        said.push(format!(
            "{} would be held until its workflow is known",
            words::plural(forecast.held.len() as u64, "object", "objects")
        ));
    }
    if said.is_empty() {
        said.push("nothing would change".to_owned());
    }
    Shown {
        verdict: words::capital(&format!("{tried}{}.", said.join(", "))),
        good: forecast.problems.is_empty() && forecast.tried > 0,
        flows: forecast.workflows.iter().take(FLOWS).map(|one| flow(tenant, clock, one)).collect(),
        more_flows: forecast.workflows.len().saturating_sub(FLOWS),
        problems: forecast
            .problems
            .iter()
            .take(PROBLEMS)
            .map(|problem| match &problem.refusal {
                Some(refusal) => Fault::of(&problem.payload, refusal),
                None => Fault {
                    payload: problem.payload.clone(),
                    title: problem.detail.clone(),
                    pointer: String::new(),
                    expected: String::new(),
                    found: String::new(),
                    detail: String::new(),
                },
            })
            .collect(),
        more_problems: forecast.problems.len().saturating_sub(PROBLEMS),
        calls: forecast
            .calls
            .iter()
            .take(CALLS)
            .map(|call| Call {
                what: format!("{} {}", call.method, call.url),
                size: words::bytes(call.bytes),
                key: call.idempotency_key.clone(),
            })
            .collect(),
        more_calls: forecast.calls.len().saturating_sub(CALLS),
        no_calls: forecast.calls.is_empty(),
        held: forecast.held.iter().take(FLOWS).map(|object| words::Ref::object(tenant, object)).collect(),
        excluded: match forecast.excluded.len() as u64 {
            0 => String::new(),
            left => words::plural(left, "record is left out", "records are left out"),
        },
    }
}

fn flow(tenant: &str, clock: &Clock, difference: &crate::replay::Difference) -> Flow {
    let root = &difference.workflow;
    let whole: Vec<DryField>;
    // Of a workflow that would begin with it, all there is is new.
    let fields: &[DryField] = match difference.changes.as_slice() {
        [only] if only.at.is_empty() => {
            whole = crate::replay::differences(&Value::Object(Default::default()), &only.after);
            &whole
        }
        all => all,
    };
    let section = |(title, names): &(&'static str, &[&str])| {
        let own = fields.iter().filter(|field| {
            let mut parts = field.at.split('/').skip(1);
            parts.next().is_some_and(|first| names.contains(&first)) && !parts.any(|part| NOISE.contains(&part))
        });
        let all: Vec<Change> = own.filter_map(|field| change(clock, field)).collect();
        let more = all.len().saturating_sub(LISTED);
        Section { title, changes: all.into_iter().take(LISTED).collect(), more }
    };
    Flow {
        workflow: words::Ref {
            href: words::workflow_path(tenant, &root.kind, &root.id),
            ..words::Ref::object(tenant, root)
        },
        new: difference.new,
        sections: SECTIONS.iter().map(section).filter(|section| !section.changes.is_empty()).collect(),
    }
}

fn change(clock: &Clock, field: &DryField) -> Option<Change> {
    let parts: Vec<String> = field.at.split('/').skip(1).map(|part| part.replace("~1", "/")).collect();
    // The section says what list it is in.
    let named = if parts.len() > 1 { &parts[1..] } else { &parts[..] };
    let what = named.iter().map(|part| words::capital(&part.replace('_', " "))).collect::<Vec<_>>().join(" · ");
    let (before, after) = (said(clock, &field.before), said(clock, &field.after));
    (before != after).then_some(Change { what, before, after })
}

/// A value as a person reads it; of an object what names it and how it stands.
fn said(clock: &Clock, value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => match chrono::DateTime::parse_from_rfc3339(text) {
            Ok(at) => clock.text(at.timestamp_millis()),
            Err(_) => text.replace('_', " "),
        },
        Value::Array(items) => items.iter().take(5).map(|item| said(clock, item)).collect::<Vec<_>>().join("; "),
        Value::Object(fields) => {
            if let (Some(Value::String(kind)), Some(Value::String(id)), 2) =
                (fields.get("type"), fields.get("id"), fields.len())
            {
                return format!("{} {id}", words::title(kind));
            }
            if let (Some(value), Some(Value::String(currency)), 2) =
                (fields.get("value"), fields.get("currency"), fields.len())
            {
                return format!("{} {currency}", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
            let telling = [
                "title", "kind", "what", "code", "detail", "reached", "state", "verdict", "due_at", "sku", "ordered",
                "shipped", "invoiced", "at", "object",
            ];
            let told = telling.iter().filter_map(|name| {
                let text = said(clock, fields.get(*name)?);
                let number = matches!(*name, "ordered" | "shipped" | "invoiced");
                match (text.is_empty() || (number && text == "0"), number) {
                    (true, _) => None,
                    (false, true) => Some(format!("{name} {text}")),
                    (false, false) if *name == "due_at" => Some(format!("due {text}")),
                    (false, false) => Some(text),
                }
            });
            told.collect::<Vec<_>>().join(", ")
        }
    };
    words::cut(&mask::text(&text), LONGEST)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::replay::Difference;

    #[test]
    fn a_change_stands_in_its_section_in_words() {
        let field = |at: &str, before: Value, after: Value| DryField { at: at.to_owned(), before, after };
        let difference = Difference {
            workflow: milepost_ingest::ObjectRef::new("order", "SO-1"),
            new: false,
            changes: vec![
                field("/status", json!("blocked"), json!("on_track")),
                field("/lines/10/shipped", json!("0"), json!("5")),
                field("/slas/ship-on-time/due_at", Value::Null, json!("2026-11-22T10:00:00Z")),
                field(
                    "/exceptions/backorder Order SO-1",
                    json!({"kind": "backorder", "detail": "Too few"}),
                    Value::Null,
                ),
                field("/lines/10/evidence/0", Value::Null, json!({"step": "shipped"})),
            ],
        };
        let shown = flow("acme", &Clock::utc(0), &difference);
        let titles: Vec<&str> = shown.sections.iter().map(|section| section.title).collect();
        assert_eq!(titles, ["State", "Quantities", "Clocks", "Holds and exceptions"]);
        let first = &shown.sections[0].changes[0];
        assert_eq!(
            (first.what.as_str(), first.before.as_str(), first.after.as_str()),
            ("Status", "blocked", "on track")
        );
        assert_eq!(shown.sections[3].changes[0].before, "backorder, Too few");
    }

    #[test]
    fn of_a_new_workflow_all_is_told() {
        let after = json!({"status": "on_track", "lines": [{"line": "10", "sku": "A", "ordered": "5"}]});
        let changes = vec![DryField { at: String::new(), before: Value::Null, after }];
        let workflow = milepost_ingest::ObjectRef::new("order", "SO-1");
        let shown = flow("acme", &Clock::utc(0), &Difference { workflow, new: true, changes });
        assert_eq!(shown.sections.iter().map(|section| section.title).collect::<Vec<_>>(), ["State", "Quantities"]);
        assert_eq!(shown.sections[1].changes[0].after, "A, ordered 5");
    }
}
