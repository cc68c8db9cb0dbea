//! OCEL 2.0 JSON, the exchange form of object-centric process mining: events, objects, and the types of both with their
//! attributes. Objects stand under `type/id`, since here only type and id together name one. Types come last, because
//! only then is known which attributes there were. What only Milepost reads stands in attributes named `milepost.…`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Writer;
use super::json::{data, received, time, utc};
use crate::store::ExportedObject;
use crate::store::rows::EventRow;

/// Qualifier of the object that an event happened to. Others are qualified by their type.
pub const OBJECT: &str = "object";

/// Names of the attributes that give the event back to the letter.
pub mod names {
    pub const PREFIX: &str = "milepost.";
    pub const ID: &str = "id";
    pub const SOURCE: &str = "source";
    pub const SYSTEM: &str = "system";
    pub const VERSION: &str = "schema_version";
    pub const RECEIVED: &str = "received_at";
    pub const TRACE: &str = "trace";
    pub const DATA: &str = "data";
}

#[derive(Default)]
pub struct Log {
    /// Attributes of each event type, with what all their values are.
    events: BTreeMap<String, BTreeMap<String, Kind>>,
    objects: BTreeMap<String, ()>,
    written: u64,
}

/// The attribute types of OCEL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    String,
    Time,
    Integer,
    Float,
    Boolean,
}

impl Kind {
    fn of(value: &Value) -> Self {
        match value {
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) => Self::of_number(&number.to_string()),
            Value::String(text) if is_number(text) => Self::of_number(text),
            Value::String(text) if chrono::DateTime::parse_from_rfc3339(text).is_ok() => Self::Time,
            _ => Self::String,
        }
    }

    fn of_number(text: &str) -> Self {
        if text.contains(['.', 'e', 'E']) { Self::Float } else { Self::Integer }
    }

    fn with(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Integer, Self::Float) | (Self::Float, Self::Integer) => Self::Float,
            _ => Self::String,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Time => "time",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Boolean => "boolean",
        }
    }
}

/// A number that loses nothing when it is read as one: `007` is a text.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.len() < 16 && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let whole = digits.split('.').next().unwrap_or_default();
    plain
        && digits.matches('.').count() <= 1
        && !digits.ends_with('.')
        && (whole.len() == 1 || !whole.starts_with('0'))
        && !whole.is_empty()
}

impl Log {
    fn separate(&mut self, out: &mut Vec<u8>) {
        if self.written > 0 {
            out.push(b',');
        }
        out.push(b'\n');
        self.written += 1;
    }
}

impl Writer for Log {
    fn head(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"events\": [");
    }

    fn event(&mut self, row: &EventRow, out: &mut Vec<u8>) {
        let mut attributes = Vec::new();
        flat(&mut attributes, "", &data(row));
        let own = |name: &str, value: String| (format!("{}{name}", names::PREFIX), Value::String(value));
        attributes.push(own(names::ID, row.event_id.clone()));
        attributes.push(own(names::SOURCE, row.source.clone()));
        attributes.push(own(names::SYSTEM, row.system.clone()));
        attributes.push(own(names::VERSION, row.schema_version.to_string()));
        attributes.push(own(names::RECEIVED, received(row)));
        attributes.push(own(names::DATA, row.data.clone()));
        if !row.trace_id.is_empty() {
            attributes.push(own(names::TRACE, format!("{}-{}", row.trace_id, row.span_id)));
        }
        let known = self.events.entry(row.event_type.clone()).or_default();
        for (name, value) in &attributes {
            let kind = if name.starts_with(names::PREFIX) && !name.ends_with(names::RECEIVED) {
                Kind::String
            } else {
                Kind::of(value)
            };
            known.entry(name.clone()).and_modify(|k| *k = k.with(kind)).or_insert(kind);
        }
        let attributes: Vec<Value> =
            attributes.into_iter().map(|(name, value)| json!({"name": name, "value": text(value)})).collect();
        let object = format!("{}/{}", row.object_type, row.object_id);
        let refs = row.refs.iter().map(|r| json!({"objectId": r, "qualifier": kind_of(r)}));
        let relationships: Vec<Value> =
            std::iter::once(json!({"objectId": object, "qualifier": OBJECT})).chain(refs).collect();
        self.separate(out);
        let event = json!({
            "id": format!("{} {}", row.source, row.event_id),
            "type": row.event_type,
            "time": time(row),
            "attributes": attributes,
            "relationships": relationships,
        });
        out.extend_from_slice(event.to_string().as_bytes());
    }

    fn wants_objects(&self) -> bool {
        true
    }

    fn middle(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\n],\n\"objects\": [");
        self.written = 0;
    }

    fn object(&mut self, object: &ExportedObject, out: &mut Vec<u8>) {
        let kind = kind_of(&object.object);
        self.objects.insert(kind.to_owned(), ());
        let attributes = match object.last_type.split_once('.') {
            Some((_, verb)) => vec![json!({"name": "state", "time": utc(object.last_ms), "value": verb})],
            None => Vec::new(),
        };
        let links = object.links.iter().filter(|l| **l != object.object);
        let links: Vec<Value> = links.map(|l| json!({"objectId": l, "qualifier": kind_of(l)})).collect();
        self.separate(out);
        let object = json!({"id": object.object, "type": kind, "attributes": attributes, "relationships": links});
        out.extend_from_slice(object.to_string().as_bytes());
    }

    fn tail(&mut self, out: &mut Vec<u8>) {
        let events: Vec<Value> = self
            .events
            .iter()
            .map(|(name, attributes)| {
                let attributes: Vec<Value> =
                    attributes.iter().map(|(name, kind)| json!({"name": name, "type": kind.as_str()})).collect();
                json!({"name": name, "attributes": attributes})
            })
            .collect();
        let state = json!([{"name": "state", "type": "string"}]);
        let objects: Vec<Value> = self.objects.keys().map(|name| json!({"name": name, "attributes": state})).collect();
        let types = format!("\n],\n\"eventTypes\": {},\n\"objectTypes\": {}}}\n", json!(events), json!(objects));
        out.extend_from_slice(types.as_bytes());
    }
}

fn kind_of(object: &str) -> &str {
    object.split('/').next().unwrap_or_default()
}

/// Plain values with their paths: `amount.value`, `lines.0.sku`.
fn flat(found: &mut Vec<(String, Value)>, path: &str, value: &Value) {
    let under = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flat(found, &under(name), value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| flat(found, &under(&n.to_string()), value))
        }
        Value::Null => {}
        plain => found.push((path.to_owned(), plain.clone())),
    }
}

/// OCEL writes values as texts; their types stand with the event type.
fn text(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text),
        other => Value::String(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// The published structure: four lists, and what each entry must and may have.
    fn valid(log: &Value) {
        let list = |of: &'static str| log[of].as_array().unwrap_or_else(|| panic!("no {of}"));
        let text = |v: &Value| v.as_str().map(str::to_owned).unwrap_or_else(|| panic!("{v} is no text"));
        let types = |of: &'static str| -> BTreeMap<String, BTreeMap<String, String>> {
            let attributes = |t: &Value| {
                t["attributes"].as_array().unwrap().iter().map(|a| (text(&a["name"]), text(&a["type"]))).collect()
            };
            list(of).iter().map(|t| (text(&t["name"]), attributes(t))).collect()
        };
        let (event_types, object_types) = (types("eventTypes"), types("objectTypes"));
        let objects: Vec<String> = list("objects").iter().map(|o| text(&o["id"])).collect();
        for (entries, types) in [(list("events"), &event_types), (list("objects"), &object_types)] {
            for entry in entries {
                let attributes = &types[&text(&entry["type"])];
                for attribute in entry["attributes"].as_array().unwrap() {
                    assert!(attributes.contains_key(&text(&attribute["name"])), "{attribute} is not declared");
                    text(&attribute["value"]);
                }
                for relationship in entry["relationships"].as_array().unwrap() {
                    text(&relationship["qualifier"]);
                    assert!(objects.contains(&text(&relationship["objectId"])), "{relationship} names no object");
                }
            }
        }
        for event in list("events") {
            assert!(chrono::DateTime::parse_from_rfc3339(&text(&event["time"])).is_ok());
        }
        for attribute in list("objects").iter().flat_map(|o| o["attributes"].as_array().unwrap()) {
            assert!(chrono::DateTime::parse_from_rfc3339(&text(&attribute["time"])).is_ok());
        }
    }

    #[test]
    fn a_log_has_the_published_structure() {
        let event = |id: &str, quantity: Value| EventRow {
            event_id: id.into(),
            event_type: "shipment.shipped".into(),
            source: "wms/east".into(),
            object_type: "shipment".into(),
            object_id: "SH-1".into(),
            refs: vec!["order/SO-1".into()],
            data:
                json!({"lines": [{"quantity": quantity, "sku": "007"}], "late": false, "eta": "2026-11-22T10:00:00Z"})
                    .to_string(),
            ..EventRow::default()
        };
        let mut log = Log::default();
        let mut out = Vec::new();
        log.head(&mut out);
        log.event(&event("1", json!("5")), &mut out);
        log.event(&event("2", json!(2.5)), &mut out);
        log.middle(&mut out);
        let object = |name: &str, links: &[&str]| ExportedObject {
            object: name.into(),
            last_type: "shipment.shipped".into(),
            last_ms: 0,
            links: links.iter().map(|l| (*l).to_owned()).collect(),
        };
        log.object(&object("order/SO-1", &[]), &mut out);
        log.object(&object("shipment/SH-1", &["order/SO-1"]), &mut out);
        log.tail(&mut out);
        let log: Value = serde_json::from_slice(&out).unwrap();
        valid(&log);
        let of = |name: &str| {
            let all = log["eventTypes"][0]["attributes"].as_array().unwrap();
            all.iter().find(|a| a["name"] == name).unwrap()["type"].as_str().unwrap().to_owned()
        };
        let types = ["lines.0.quantity", "lines.0.sku", "late", "eta"].map(of);
        assert_eq!(types, ["float", "string", "boolean", "time"]);
    }

    #[test]
    fn an_empty_log_is_a_log() {
        let mut log = Log::default();
        let mut out = Vec::new();
        log.head(&mut out);
        log.middle(&mut out);
        log.tail(&mut out);
        valid(&serde_json::from_slice(&out).unwrap());
    }
}
