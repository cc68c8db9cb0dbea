//! Changes to payloads that failed: rules (set, rename, map, delete at a place) that mend many alike, and what no edit
//! may touch. The original stays as it came; an edit is another body beside it.

pub mod wrapped;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One step of a rule. Places are JSON pointers into a record; `*` stands for every element or field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Gives the place this value; makes the last field when it is not there.
    Set {
        at: String,
        value: Value,
    },
    /// Gives the field another name, beside where it stood.
    Rename {
        at: String,
        to: String,
    },
    /// Exchanges this value for that.
    Map {
        at: String,
        values: Map<String, Value>,
    },
    Delete {
        at: String,
    },
}

/// Fields that say who speaks and which event this is: `/id` and `/source` of a plain event and of a CloudEvent.
pub const LOCKED: [&str; 3] = ["/id", "/source", "/tenant"];
/// Steps of one rule.
pub const MOST_STEPS: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("{0} names the sender or the event and cannot be changed")]
    Locked(String),
    #[error("`{0}` is no JSON pointer; expected for example /data/lines/*/sku")]
    NoPointer(String),
    #[error("a rule has 1 to {MOST_STEPS} steps")]
    Steps,
    #[error("the record cannot be read as JSON, so a rule cannot change it")]
    NoJson,
}

impl Step {
    pub fn at(&self) -> &str {
        match self {
            Self::Set { at, .. } | Self::Rename { at, .. } | Self::Map { at, .. } | Self::Delete { at } => at,
        }
    }

    /// In words, for pages and records.
    pub fn words(&self) -> String {
        match self {
            Self::Set { at, value } => format!("set {at} to {value}"),
            Self::Rename { at, to } => format!("rename {at} to {to}"),
            Self::Map { at, values } => {
                let pairs: Vec<String> = values.iter().map(|(from, to)| format!("{from} → {to}")).collect();
                format!("at {at} exchange {}", pairs.join(", "))
            }
            Self::Delete { at } => format!("delete {at}"),
        }
    }
}

/// Whether a rule may be used at all.
pub fn check(steps: &[Step]) -> Result<(), EditError> {
    if steps.is_empty() || steps.len() > MOST_STEPS {
        return Err(EditError::Steps);
    }
    for step in steps {
        let at = step.at();
        if !at.starts_with('/') || at.len() < 2 {
            return Err(EditError::NoPointer(at.to_owned()));
        }
        let renamed = if let Step::Rename { at, to } = step {
            at.rsplit_once('/').map(|(parent, _)| format!("{parent}/{to}"))
        } else {
            None
        };
        for place in [Some(at.to_owned()), renamed].into_iter().flatten() {
            let first = place.split('/').nth(1).unwrap_or_default();
            let path: Vec<&str> = place.split('/').skip(1).collect();
            if wrapped::ROOTS.contains(&first) && !wrapped::is_free(&path) {
                return Err(EditError::Locked(place));
            }
            if first == "*" || LOCKED.iter().any(|locked| locked[1..] == *first) {
                return Err(EditError::Locked(place));
            }
        }
    }
    Ok(())
}

/// Applies a rule to a record; says how many places it changed.
pub fn apply(steps: &[Step], record: &mut Value) -> usize {
    steps.iter().map(|step| at_places(record, &parts(step.at()), step)).sum()
}

fn parts(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

fn at_places(value: &mut Value, path: &[String], step: &Step) -> usize {
    let [first, rest @ ..] = path else { return 0 };
    if rest.is_empty() {
        return act(value, first, step);
    }
    match value {
        Value::Object(fields) if first == "*" => fields.values_mut().map(|field| at_places(field, rest, step)).sum(),
        Value::Array(items) if first == "*" => items.iter_mut().map(|item| at_places(item, rest, step)).sum(),
        Value::Object(fields) => fields.get_mut(first).map_or(0, |field| at_places(field, rest, step)),
        Value::Array(items) => {
            first.parse::<usize>().ok().and_then(|at| items.get_mut(at)).map_or(0, |item| at_places(item, rest, step))
        }
        _ => 0,
    }
}

fn act(parent: &mut Value, name: &str, step: &Step) -> usize {
    match parent {
        Value::Object(fields) => {
            let names: Vec<String> = if name == "*" { fields.keys().cloned().collect() } else { vec![name.to_owned()] };
            names.iter().map(|name| on_field(fields, name, step)).sum()
        }
        Value::Array(items) => on_items(items, name, step),
        _ => 0,
    }
}

fn on_field(fields: &mut Map<String, Value>, name: &str, step: &Step) -> usize {
    match step {
        Step::Set { value, .. } => {
            let same = fields.get(name) == Some(value);
            if !same {
                fields.insert(name.to_owned(), value.clone());
            }
            usize::from(!same)
        }
        Step::Rename { to, .. } if !fields.contains_key(to) => match fields.remove(name) {
            Some(value) => {
                fields.insert(to.clone(), value);
                1
            }
            None => 0,
        },
        Step::Rename { .. } => 0,
        Step::Map { values, .. } => fields.get_mut(name).map_or(0, |field| exchange(field, values)),
        Step::Delete { .. } => usize::from(fields.remove(name).is_some()),
    }
}

fn on_items(items: &mut Vec<Value>, name: &str, step: &Step) -> usize {
    let chosen = |at: usize| name == "*" || name.parse() == Ok(at);
    match step {
        Step::Set { value, .. } => {
            let mut changed = 0;
            for (at, item) in items.iter_mut().enumerate() {
                if chosen(at) && item != value {
                    *item = value.clone();
                    changed += 1;
                }
            }
            changed
        }
        Step::Map { values, .. } => {
            items.iter_mut().enumerate().filter(|(at, _)| chosen(*at)).map(|(_, item)| exchange(item, values)).sum()
        }
        Step::Delete { .. } => {
            let before = items.len();
            let mut at = 0;
            items.retain(|_| {
                at += 1;
                !chosen(at - 1)
            });
            before - items.len()
        }
        Step::Rename { .. } => 0,
    }
}

/// Values are compared as text, so that `7` and `"7"` are both found.
fn exchange(value: &mut Value, values: &Map<String, Value>) -> usize {
    let text = match &*value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match values.get(&text) {
        Some(new) if new != value => {
            *value = new.clone();
            1
        }
        _ => 0,
    }
}

/// The locked field that differs between two versions of one record, if there is one.
pub fn locked_change(before: &Value, after: &Value) -> Option<&'static str> {
    LOCKED.into_iter().find(|place| before.pointer(place) != after.pointer(place))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn steps(text: Value) -> Vec<Step> {
        serde_json::from_value(text).expect("steps")
    }

    #[test]
    fn a_rule_mends_every_line_of_a_record() {
        let rule = steps(json!([
            {"op": "map", "at": "/data/lines/*/sku", "values": {"AB-77": "AB-771"}},
            {"op": "rename", "at": "/data/lines/*/qty", "to": "quantity"},
            {"op": "set", "at": "/data/warehouse", "value": "east-2"},
            {"op": "delete", "at": "/data/junk"}
        ]));
        assert_eq!(check(&rule), Ok(()));
        let mut record =
            json!({"id": "1", "data": {"junk": 1, "lines": [{"sku": "AB-77", "qty": 1}, {"sku": "X", "qty": 2}]}});
        assert_eq!(apply(&rule, &mut record), 5);
        let wanted = json!({"id": "1", "data": {"warehouse": "east-2",
            "lines": [{"sku": "AB-771", "quantity": 1}, {"sku": "X", "quantity": 2}]}});
        assert_eq!(record, wanted);
        assert_eq!(apply(&rule[..1], &mut record), 0, "again there is nothing to do");
    }

    #[test]
    fn who_speaks_and_which_event_it_is_cannot_be_changed() {
        for rule in [
            json!([{"op": "set", "at": "/id", "value": "2"}]),
            json!([{"op": "delete", "at": "/source"}]),
            json!([{"op": "rename", "at": "/data", "to": "id"}]),
            json!([{"op": "set", "at": "/*", "value": 1}]),
            json!([{"op": "set", "at": "/tenant", "value": "other"}]),
        ] {
            assert!(matches!(check(&steps(rule.clone())), Err(EditError::Locked(_))), "{rule}");
        }
        assert!(matches!(check(&steps(json!([{"op": "delete", "at": "data"}]))), Err(EditError::NoPointer(_))));
        assert_eq!(check(&[]), Err(EditError::Steps));
        assert_eq!(locked_change(&json!({"id": "1"}), &json!({"id": "2"})), Some("/id"));
        assert_eq!(locked_change(&json!({"id": "1", "data": 1}), &json!({"id": "1", "data": 2})), None);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(json!(null)), any::<i32>().prop_map(Value::from), "[a-c]{0,2}".prop_map(Value::from)];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]{1,2}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_checked_rule_never_touches_a_locked_field(body in value(), at in "(/([a-c*]|id|source|0)){1,3}", to in "[a-c]|id") {
            let mut record = json!({"id": "7", "source": "erp/main", "data": body});
            let before = record.clone();
            for step in [
                Step::Set { at: at.clone(), value: json!("x") },
                Step::Delete { at: at.clone() },
                Step::Rename { at: at.clone(), to: to.clone() },
            ] {
                let rule = [step];
                if check(&rule).is_ok() {
                    apply(&rule, &mut record);
                    prop_assert_eq!(locked_change(&before, &record), None);
                }
            }
        }
    }
}
