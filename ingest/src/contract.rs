//! Contracts: a JSON Schema per event type and version that says what `data` must look like.
//! What stands around the data (id, time, object, links) is checked in `envelope`.

mod decimal;
mod violation;

use std::sync::LazyLock;

use jsonschema::{ValidationOptions, Validator};
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

pub(crate) use violation::Violation;

use crate::vocabulary::{CONTRACT_FILES, is_object_type, nearest};

/// All contracts in force.
pub struct Contracts {
    types: FxHashMap<String, EventType>,
}

/// An event type with its versions.
pub struct EventType {
    pub name: String,
    pub meaning: String,
    /// Object types that it may happen to, the usual one first; empty for any.
    pub objects: Vec<String>,
    /// The system that usually reports it; empty for any.
    pub system: String,
    /// Ascending.
    versions: Vec<(u32, Validator)>,
}

/// A contract file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {detail}")]
pub struct ContractError {
    pub file: String,
    pub detail: String,
}

static SHIPPED: LazyLock<Contracts> = LazyLock::new(|| {
    let read = Contracts::load(Contracts::shipped_files());
    // A broken shipped file fails the tests of this crate; the list is fixed when we are built.
    read.unwrap_or_else(|errors| Contracts { types: no_types(&errors) })
});

fn no_types(errors: &[ContractError]) -> FxHashMap<String, EventType> {
    debug_assert!(errors.is_empty(), "{errors:?}");
    FxHashMap::default()
}

impl Contracts {
    /// The contracts that come with Milepost.
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Names and texts of the shipped files. Chain your own behind them to add types or replace files.
    pub fn shipped_files() -> impl Iterator<Item = (String, String)> {
        CONTRACT_FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
    }

    /// Reads contract files: `order.created/v1.json` and so on, and `common.json` with what they share.
    /// A later file of the same name takes the place of an earlier one. All faults are reported together.
    pub fn load(files: impl IntoIterator<Item = (String, String)>) -> Result<Self, Vec<ContractError>> {
        let mut latest: std::collections::BTreeMap<String, String> =
            CONTRACT_FILES[..1].iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        for (name, text) in files {
            latest.insert(short_name(&name), text);
        }
        let mut errors = Vec::new();
        let mut types = FxHashMap::default();
        let shared = latest.remove("common.json").unwrap_or_default();
        let shared = keep(&mut errors, "common.json", shared_definitions(&shared)).unwrap_or_default();
        let options = options();
        for (file, text) in latest {
            let read = read_contract(&file, &text, &shared, &options);
            let Some((version, found, validator)) = keep(&mut errors, &file, read) else { continue };
            let known: &mut EventType = types.entry(found.name.clone()).or_insert(found);
            known.versions.push((version, validator));
            known.versions.sort_by_key(|(version, _)| *version);
        }
        if errors.is_empty() { Ok(Self { types }) } else { Err(errors) }
    }

    /// All event types, by name.
    pub fn types(&self) -> impl Iterator<Item = &EventType> {
        let mut all: Vec<&EventType> = self.types.values().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all.into_iter()
    }

    pub fn find(&self, name: &str) -> Option<&EventType> {
        self.types.get(name)
    }

    pub(crate) fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.types().map(|t| t.name.as_str()))
    }
}

impl EventType {
    pub fn versions(&self) -> impl Iterator<Item = u32> + '_ {
        self.versions.iter().map(|(version, _)| *version)
    }

    /// What is wrong with `data` under this version; `Ok` when nothing is. None: there is no such version.
    pub(crate) fn check(&self, version: u32, data: &Value) -> Option<Result<(), Violation>> {
        let (_, validator) = self.versions.iter().find(|(v, _)| *v == version)?;
        // The quick yes first: collecting reasons costs several times more.
        Some(if validator.is_valid(data) { Ok(()) } else { Err(violation::first(validator, data)) })
    }
}

/// The last two parts of a path: what tells type and version.
fn short_name(path: &str) -> String {
    let mut parts: Vec<&str> = path.rsplit(['/', '\\']).take(2).collect();
    if parts.first() == Some(&"common.json") {
        parts.truncate(1);
    }
    parts.reverse();
    parts.join("/")
}

fn keep<T>(errors: &mut Vec<ContractError>, file: &str, result: Result<T, String>) -> Option<T> {
    result.map_err(|detail| errors.push(ContractError { file: file.to_owned(), detail })).ok()
}

fn shared_definitions(text: &str) -> Result<Map<String, Value>, String> {
    let parsed: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    match parsed.get("$defs") {
        Some(Value::Object(defs)) => Ok(defs.clone()),
        _ => Err("has no \"$defs\"".to_owned()),
    }
}

fn options() -> ValidationOptions<'static> {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .with_format("date-time", |text: &str| chrono::DateTime::parse_from_rfc3339(text).is_ok())
        .with_keyword(decimal::KEYWORD, decimal::keyword)
}

fn read_contract(
    file: &str,
    text: &str,
    shared: &Map<String, Value>,
    options: &ValidationOptions<'static>,
) -> Result<(u32, EventType, Validator), String> {
    let (name, version) = file
        .strip_suffix(".json")
        .and_then(|stem| stem.split_once("/v"))
        .and_then(|(name, version)| Some((name, version.parse::<u32>().ok().filter(|v| *v > 0)?)))
        .ok_or("name it like order.created/v1.json")?;
    let Some((object, verb)) = name.split_once('.') else {
        return Err(format!("\"{name}\" is no event type; say object.verb"));
    };
    if object.is_empty() || verb.is_empty() {
        return Err(format!("\"{name}\" is no event type; say object.verb"));
    }
    let mut schema: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    inline(&mut schema);
    let Some(root) = schema.as_object_mut() else { return Err("is no JSON object".to_owned()) };
    let own = root.entry("$defs").or_insert_with(|| Value::Object(Map::new()));
    let Some(own) = own.as_object_mut() else { return Err("\"$defs\" is no object".to_owned()) };
    for (key, value) in shared {
        own.entry(key.clone()).or_insert_with(|| value.clone());
    }
    let objects: Vec<String> = match root.get("x-objects") {
        None => Vec::new(),
        Some(list) => serde_json::from_value(list.clone()).map_err(|_| "\"x-objects\" is no list of texts")?,
    };
    if let Some(unknown) = objects.iter().find(|o| !is_object_type(o)) {
        return Err(format!("\"x-objects\" names \"{unknown}\", which is no object type"));
    }
    let word = |key: &str| root.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let found = EventType {
        name: name.to_owned(),
        meaning: word("description"),
        system: word("x-system"),
        objects,
        versions: Vec::new(),
    };
    let validator = options.build(&schema).map_err(|e| e.to_string())?;
    Ok((version, found, validator))
}

/// Lets `../common.json#/$defs/…` mean the definitions that we copy in, so that nothing is ever fetched.
fn inline(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(target) if key == "$ref" => {
                        if let Some(place) = target.strip_prefix("../common.json") {
                            *target = place.to_owned();
                        }
                    }
                    _ => inline(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(inline),
        _ => {}
    }
}

#[cfg(test)]
#[path = "contract/tests.rs"]
mod tests;
