//! Rules on OTLP/JSON, where every value stands in wrapping: lists of keys and typed values. Places are those that
//! refusals name, `/resourceLogs/*/scopeLogs/*/logRecords/*/body/lines/*/quantity`.

use serde_json::{Map, Value, json};

use super::{Step, exchange, parts};

/// Beginnings of such places.
pub const ROOTS: [&str; 2] = ["resourceLogs", "resourceSpans"];
/// Attributes that say who speaks and which event it is.
const LOCKED: [&str; 4] = ["biz.event.id", "biz.source", "biz.tenant", "service.name"];

/// Whether a place may be changed: a value within a body or one attribute by its name, and none that is locked.
pub fn is_free(path: &[&str]) -> bool {
    let inside = path.iter().position(|part| matches!(*part, "body" | "attributes"));
    let Some([kind, name, ..]) = inside.map(|at| &path[at..]) else { return false };
    let of_any = *kind == "attributes" && *name == "*";
    !of_any && !path.iter().any(|part| LOCKED.contains(part))
}

/// Applies a rule; says how many places it changed.
pub fn apply(steps: &[Step], record: &mut Value) -> usize {
    steps.iter().map(|step| walk(record, &parts(step.at()), step)).sum()
}

fn walk(value: &mut Value, path: &[String], step: &Step) -> usize {
    let [first, rest @ ..] = path else { return 0 };
    if let Some(list) = unwrapped(value) {
        return within(list, first, rest, step);
    }
    match value {
        Value::Object(fields) if first == "*" => fields.values_mut().map(|field| walk(field, rest, step)).sum(),
        Value::Object(fields) => fields.get_mut(first).map_or(0, |field| walk(field, rest, step)),
        _ => 0,
    }
}

/// The list within `kvlistValue` or `arrayValue`, or the value itself where it is a list.
fn unwrapped(value: &mut Value) -> Option<&mut Vec<Value>> {
    match value {
        Value::Array(items) => Some(items),
        Value::Object(fields) => {
            let wrap = ["kvlistValue", "arrayValue"].into_iter().find(|wrap| fields.contains_key(*wrap))?;
            fields.get_mut(wrap)?.get_mut("values")?.as_array_mut()
        }
        _ => None,
    }
}

fn is_pair(value: &Value) -> bool {
    value.get("key").is_some_and(Value::is_string)
}

fn within(list: &mut Vec<Value>, name: &str, rest: &[String], step: &Step) -> usize {
    let chosen = |(at, item): (usize, &Value)| {
        let own = if is_pair(item) { item["key"] == name } else { name.parse() == Ok(at) };
        name == "*" || own
    };
    let places: Vec<usize> = list.iter().enumerate().filter(|one| chosen(*one)).map(|(at, _)| at).collect();
    if !rest.is_empty() {
        let go = |at: &usize| match list.get_mut(*at) {
            Some(item) if is_pair(item) => item.get_mut("value").map_or(0, |value| walk(value, rest, step)),
            Some(item) => walk(item, rest, step),
            None => 0,
        };
        return places.iter().map(go).sum();
    }
    match step {
        Step::Delete { .. } => {
            places.iter().rev().for_each(|at| drop(list.remove(*at)));
            places.len()
        }
        Step::Rename { to, .. } => {
            if list.iter().any(|item| item["key"] == to.as_str()) {
                return 0;
            }
            let pairs: Vec<usize> = places.into_iter().filter(|at| is_pair(&list[*at])).collect();
            pairs.iter().for_each(|at| list[*at]["key"] = json!(to));
            pairs.len()
        }
        Step::Set { value, .. } => {
            let wrapped = wrap(value);
            if places.is_empty() && name != "*" && list.iter().all(is_pair) {
                list.push(json!({"key": name, "value": wrapped}));
                return 1;
            }
            places.into_iter().filter(|at| put(&mut list[*at], &wrapped)).count()
        }
        Step::Map { values, .. } => places.into_iter().filter(|at| exchanged(&mut list[*at], values)).count(),
    }
}

/// True when it said something else before.
fn put(item: &mut Value, wrapped: &Value) -> bool {
    let place = if is_pair(item) { &mut item["value"] } else { item };
    let differs = place != wrapped;
    *place = wrapped.clone();
    differs
}

fn exchanged(item: &mut Value, values: &Map<String, Value>) -> bool {
    let place = if is_pair(item) { &mut item["value"] } else { item };
    let Some(mut plain) = plain(place) else { return false };
    if exchange(&mut plain, values) == 0 {
        return false;
    }
    *place = wrap(&plain);
    true
}

/// A typed value without its type, where it is no list.
fn plain(value: &Value) -> Option<Value> {
    ["stringValue", "intValue", "boolValue", "doubleValue"].into_iter().find_map(|kind| value.get(kind)).cloned()
}

fn wrap(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(flag) => json!({"boolValue": flag}),
        Value::Number(number) if number.is_i64() => json!({"intValue": number.to_string()}),
        Value::Number(number) => json!({"doubleValue": number}),
        Value::Array(items) => json!({"arrayValue": {"values": items.iter().map(wrap).collect::<Vec<_>>()}}),
        Value::Object(fields) => {
            let pairs = fields.iter().map(|(key, value)| json!({"key": key, "value": wrap(value)}));
            json!({"kvlistValue": {"values": pairs.collect::<Vec<_>>()}})
        }
        Value::Null => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn rule(text: Value) -> Vec<Step> {
        serde_json::from_value(text).expect("steps")
    }

    const RECORD: &str = "/resourceLogs/*/scopeLogs/*/logRecords/*";

    #[test]
    fn values_are_mended_within_their_wrapping() {
        let line = |quantity: Value| json!({"kvlistValue": {"values": [{"key": "sku", "value": {"stringValue": "A"}}, {"key": "quantity", "value": quantity}]}});
        let record = |first: Value, second: Value, attributes: Value| {
            json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": attributes,
                "body": {"kvlistValue": {"values": [{"key": "lines", "value": {"arrayValue": {"values": [line(first), line(second)]}}}]}}}]}]}]})
        };
        let attributes = json!([{"key": "biz.event.id", "value": {"stringValue": "e-1"}}, {"key": "old", "value": {"intValue": "7"}}]);
        let mut mended = record(json!({"stringValue": "five"}), json!({"stringValue": "2"}), attributes);
        let steps = rule(json!([
            {"op": "map", "at": format!("{RECORD}/body/lines/*/quantity"), "values": {"five": "5"}},
            {"op": "map", "at": format!("{RECORD}/attributes/old"), "values": {"7": "8"}},
            {"op": "rename", "at": format!("{RECORD}/attributes/old"), "to": "new"},
            {"op": "set", "at": format!("{RECORD}/body/note"), "value": {"by": "hand"}},
            {"op": "delete", "at": format!("{RECORD}/body/lines/1")}
        ]));
        assert_eq!(check(&steps), Ok(()));
        assert_eq!(apply(&steps, &mut mended), 5);
        let body = &mended["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["body"]["kvlistValue"]["values"];
        assert_eq!(body[0]["value"]["arrayValue"]["values"], json!([line(json!({"stringValue": "5"}))]));
        assert_eq!(body[1]["value"], wrap(&json!({"by": "hand"})));
        let attributes = &mended["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"];
        assert_eq!(attributes[1], json!({"key": "new", "value": {"stringValue": "8"}}));
        assert_eq!(apply(&steps[..3], &mut mended), 0, "again there is nothing to do");
    }

    #[test]
    fn who_speaks_and_which_event_it_is_is_locked_in_wrapping_too() {
        for at in ["/attributes/biz.event.id", "/attributes/*", "/attributes", "", "/body"] {
            let steps = rule(json!([{"op": "set", "at": format!("{RECORD}{at}"), "value": "x"}]));
            assert!(check(&steps).is_err(), "{at}");
        }
        let steps = rule(json!([{"op": "rename", "at": format!("{RECORD}/attributes/a"), "to": "biz.event.id"}]));
        assert!(check(&steps).is_err());
        let steps =
            rule(json!([{"op": "set", "at": "/resourceLogs/*/resource/attributes/service.name", "value": "x"}]));
        assert!(check(&steps).is_err());
    }
}
