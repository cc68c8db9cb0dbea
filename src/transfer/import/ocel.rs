//! OCEL 2.0 JSON: objects are read first (types and links by id), then events one after the other. A file that
//! `milepost export` wrote gives back its events to the letter; another's events are taken by their relationships.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_json::{Map as Fields, Value, json};

use super::lines::{Reader, json_flaw, told};
use super::map::{Map, Ocel};
use super::record::{Flaw, Place, Record};
use super::split::{Element, Split};
use crate::transfer::export::ocel::{OBJECT, names};

pub struct Log {
    split: Split<BufReader<File>>,
    from: u64,
    objects: FxHashMap<String, Known>,
    map: Ocel,
}

struct Known {
    kind: Arc<str>,
    links: Box<[String]>,
}

#[derive(Deserialize)]
struct OcelObject {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
struct OcelEvent {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    time: String,
    #[serde(default)]
    attributes: Vec<Attribute>,
    #[serde(default)]
    relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
struct Attribute {
    name: String,
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize)]
struct Relationship {
    #[serde(rename = "objectId")]
    object: String,
    #[serde(default)]
    qualifier: String,
}

fn open(path: &Path) -> anyhow::Result<BufReader<File>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

impl Log {
    pub fn open(path: &Path, map: Option<&Arc<Map>>, from: Place) -> anyhow::Result<Self> {
        let mut objects = FxHashMap::default();
        let mut kinds: BTreeMap<String, Arc<str>> = BTreeMap::new();
        let mut split = Split::new(open(path)?, |section| section == "objects");
        while let Some(element) = split.element().map_err(told)? {
            if &*element.section != "objects" {
                continue;
            }
            // One that is not right is missed by the events that name it, and told there.
            let Ok(object) = serde_json::from_slice::<OcelObject>(element.bytes.as_deref().unwrap_or_default()) else {
                continue;
            };
            let kind = kinds.entry(object.kind.clone()).or_insert_with(|| object.kind.as_str().into());
            let links = object.relationships.into_iter().map(|r| r.object).collect();
            objects.insert(object.id, Known { kind: Arc::clone(kind), links });
        }
        let split = Split::new(open(path)?, |section| section == "events");
        Ok(Self { split, from: from.byte, objects, map: map.map(|m| m.ocel.clone()).unwrap_or_default() })
    }

    fn event(&self, element: &Element) -> Result<Option<Vec<u8>>, Flaw> {
        let at = element.at;
        let flaw = |code, detail: String| Flaw { code, line: at.line, column: at.column, detail };
        let Some(bytes) = &element.bytes else {
            return Err(flaw("record_too_long", "The event is longer than 16 MiB.".to_owned()));
        };
        let read: OcelEvent = serde_json::from_slice(bytes).map_err(|error| {
            if error.is_data() {
                Flaw { code: "no_ocel_event", ..json_flaw(&error, at) }
            } else {
                json_flaw(&error, at)
            }
        })?;
        let mut own: BTreeMap<&str, &Value> = BTreeMap::new();
        for attribute in &read.attributes {
            if let Some(name) = attribute.name.strip_prefix(names::PREFIX) {
                own.insert(name, &attribute.value);
            }
        }
        let mut links = Vec::new();
        for relationship in &read.relationships {
            let Some(known) = self.objects.get(&relationship.object) else {
                return Err(flaw(
                    "unknown_object",
                    format!(
                        "The event names the object `{}`, which is not among the objects of the file.",
                        relationship.object
                    ),
                ));
            };
            let Some(kind) = renamed(&self.map.objects, &known.kind) else { continue };
            let id = relationship.object.strip_prefix(&format!("{}/", known.kind)).unwrap_or(&relationship.object);
            links.push((relationship.qualifier.as_str(), kind, id.to_owned()));
        }
        let event = if own.contains_key(names::SOURCE) {
            ours(&read, &own, &links)
        } else {
            let Some(kind) = renamed(&self.map.events, &read.kind) else { return Ok(None) };
            self.foreign(&read, kind, links)
        };
        let event = event.map_err(|detail| flaw("no_object", detail))?;
        Ok(Some(Value::Object(event).to_string().into_bytes()))
    }

    /// The object of another's event: the one that its type begins with, else the one so qualified, else the first.
    fn foreign(
        &self,
        read: &OcelEvent,
        kind: &str,
        mut links: Vec<(&str, &str, String)>,
    ) -> Result<Fields<String, Value>, String> {
        let verb_of = kind.split('.').next().unwrap_or_default();
        let at = links
            .iter()
            .position(|(_, of, _)| *of == verb_of)
            .or_else(|| links.iter().position(|(qualifier, _, _)| *qualifier == OBJECT))
            .or(if links.is_empty() { None } else { Some(0) });
        let Some(at) = at else { return Err("The event has a relationship to no object.".to_owned()) };
        let (_, of, id) = links.swap_remove(at);
        let mut refs: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (_, kind, id) in links {
            refs.entry(kind.to_owned()).or_default().push(id);
        }
        // Links between objects stand with the objects; here an event carries them.
        let named = read.relationships.iter().filter_map(|r| self.objects.get(&r.object));
        for other in named.flat_map(|known| known.links.iter()) {
            let Some(known) = self.objects.get(other) else { continue };
            let Some(kind) = renamed(&self.map.objects, &known.kind) else { continue };
            if (kind, other) != (of, &id) {
                refs.entry(kind.to_owned()).or_default().push(other.clone());
            }
        }
        let mut data = Fields::new();
        for attribute in &read.attributes {
            lay(&mut data, &attribute.name, attribute.value.clone());
        }
        let mut event = envelope(&read.id, kind, &read.time, of, &id, refs, data);
        if !self.map.source.is_empty() {
            event.insert("source".to_owned(), self.map.source.as_str().into());
        }
        Ok(event)
    }
}

/// An event that `milepost export` wrote.
fn ours(
    read: &OcelEvent,
    own: &BTreeMap<&str, &Value>,
    links: &[(&str, &str, String)],
) -> Result<Fields<String, Value>, String> {
    let text = |name: &str| own.get(name).and_then(|v| v.as_str()).unwrap_or_default();
    let Some((_, of, id)) = links.iter().find(|(qualifier, _, _)| *qualifier == OBJECT) else {
        return Err(format!("The event has no relationship with the qualifier `{OBJECT}`."));
    };
    let mut refs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, kind, id) in links.iter().filter(|(qualifier, _, _)| *qualifier != OBJECT) {
        refs.entry((*kind).to_owned()).or_default().push(id.clone());
    }
    let data = serde_json::from_str(text(names::DATA)).map_err(|e| format!("Its data is not JSON: {e}."))?;
    let mut event = envelope(text(names::ID), &read.kind, &read.time, of, id, refs, data);
    event.insert("source".to_owned(), text(names::SOURCE).into());
    event.insert("system".to_owned(), text(names::SYSTEM).into());
    if let Some(version) = own.get(names::VERSION) {
        event.insert("schema_version".to_owned(), (*version).clone());
    }
    let trace = text(names::TRACE);
    if !trace.is_empty() {
        let (trace_id, span_id) = trace.split_once('-').unwrap_or((trace, ""));
        event.insert("trace".to_owned(), json!({"trace_id": trace_id, "span_id": span_id}));
    }
    Ok(event)
}

fn envelope(
    id: &str,
    kind: &str,
    time: &str,
    of: &str,
    object: &str,
    refs: BTreeMap<String, Vec<String>>,
    data: Fields<String, Value>,
) -> Fields<String, Value> {
    let mut event = Fields::new();
    event.insert("id".to_owned(), id.into());
    event.insert("type".to_owned(), kind.into());
    event.insert("time".to_owned(), time.into());
    event.insert("object".to_owned(), json!({"type": of, "id": object}));
    event.insert("refs".to_owned(), json!(refs));
    event.insert("data".to_owned(), Value::Object(data));
    event
}

/// The name here; None when the map leaves it out.
fn renamed<'m>(names: &'m BTreeMap<String, String>, name: &'m str) -> Option<&'m str> {
    match names.get(name) {
        None => Some(name),
        Some(new) if new.is_empty() => None,
        Some(new) => Some(new),
    }
}

/// `amount.value` goes into `amount`.
fn lay(data: &mut Fields<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            data.insert(name.to_owned(), value);
        }
        Some((outer, rest)) => {
            let inner = data.entry(outer.to_owned()).or_insert_with(|| json!({}));
            if let Value::Object(inner) = inner {
                lay(inner, rest, value);
            }
        }
    }
}

impl Reader for Log {
    fn record(&mut self) -> anyhow::Result<Option<Record>> {
        while let Some(element) = self.split.element().map_err(told)? {
            if &*element.section != "events" || element.end.byte <= self.from {
                continue;
            }
            let event = match self.event(&element) {
                Ok(None) => continue,
                Ok(Some(event)) => Ok(event),
                Err(flaw) => Err(flaw),
            };
            let text = element.bytes.as_deref().map(|b| String::from_utf8_lossy(b).trim().to_owned());
            return Ok(Some(Record { at: element.at, resume: element.end, event, raw: text }));
        }
        Ok(None)
    }
}
