//! Where in a record shown as OTLP/JSON a pointer of a refusal leads. Refusals speak of the values that a record
//! means (`…/body/lines/0/quantity`); OTLP wraps each of them in lists of keys and typed values.

use serde_json::Value;

/// Fields of an event and the attribute that carries them.
const CARRIED: [(&str, &str); 5] = [
    ("/id", "biz.event.id"),
    ("/type", "biz.event.type"),
    ("/time", "biz.time"),
    ("/object/type", "biz.object.type"),
    ("/object/id", "biz.object.id"),
];
const RECORDS: [&str; 3] = ["/logRecords/", "/spans/", "/dataPoints/"];

/// The pointer into `item`, as far as it can be followed.
pub fn pointer(item: &Value, meant: &str) -> String {
    let record = ["logRecord", "span", "metric"].into_iter().find(|name| item.get(name).is_some());
    let Some(record) = record else { return meant.to_owned() };
    let within = RECORDS
        .iter()
        .find_map(|name| meant.split_once(name))
        .map_or(meant, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    let path: Vec<String> = match CARRIED.iter().find(|(field, _)| *field == within) {
        Some((_, attribute)) => vec!["attributes".into(), (*attribute).into()],
        None => within.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect(),
    };
    let mut out = format!("/{record}");
    let mut at = &item[record];
    for part in &path {
        let Some((step, next)) = follow(at, part) else { break };
        out.push_str(&step);
        at = next;
    }
    out
}

/// One step through whatever wraps the value.
fn follow<'a>(at: &'a Value, part: &str) -> Option<(String, &'a Value)> {
    if let Some(next) = at.get(part) {
        return Some((format!("/{}", part.replace('~', "~0").replace('/', "~1")), next));
    }
    for (wrap, inner) in [("kvlistValue", "/kvlistValue/values"), ("arrayValue", "/arrayValue/values")] {
        if let Some(list) = at.get(wrap).and_then(|value| value.get("values")) {
            let (step, next) = entry(list, part)?;
            return Some((format!("{inner}{step}"), next));
        }
    }
    entry(at, part)
}

/// By position, or by the key of a key-value pair.
fn entry<'a>(list: &'a Value, part: &str) -> Option<(String, &'a Value)> {
    let list = list.as_array()?;
    if let Some(place) = list.iter().position(|pair| pair.get("key").and_then(Value::as_str) == Some(part)) {
        return Some((format!("/{place}/value"), list.get(place)?.get("value")?));
    }
    let place: usize = part.parse().ok()?;
    Some((format!("/{place}"), list.get(place)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_found_in_their_wrapping() {
        let item = json!({"logRecord": {
            "attributes": [{"key": "biz.event.id", "value": {"stringValue": "a"}}],
            "body": {"kvlistValue": {"values": [{"key": "lines", "value": {"arrayValue": {"values": [
                {"kvlistValue": {"values": [{"key": "quantity", "value": {"stringValue": "x"}}]}},
            ]}}}]}},
        }});
        let meant = "/resourceLogs/0/scopeLogs/0/logRecords/3/body/lines/0/quantity";
        let lines = "/logRecord/body/kvlistValue/values/0/value/arrayValue/values";
        assert_eq!(pointer(&item, meant), format!("{lines}/0/kvlistValue/values/0/value"));
        assert_eq!(pointer(&item, "/id"), "/logRecord/attributes/0/value");
        let beyond = meant.replace("/0/quantity", "/9/quantity");
        assert_eq!(pointer(&item, &beyond), "/logRecord/body/kvlistValue/values/0/value");
        assert_eq!(pointer(&json!({"id": 1}), "/id"), "/id");
    }
}
