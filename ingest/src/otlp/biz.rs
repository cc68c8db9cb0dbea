//! The `biz.*` namespace: which records are events, and what their attributes claim. docs/events.md describes it.

use serde_json::{Map, Value};

use super::record::{Attribute, Attributes, Resource, beneath};
use super::value::Any;
use super::wire::Trouble;
use super::{Lists, Position};
use crate::envelope::{Claims, Field, Moment, Place, admit, hint};
use crate::mapping::{Given, Subject};
use crate::refusal::show;
use crate::{Code, Context, Event, ObjectRef, Refusal, json};

/// Where the fields of an OTLP record stand.
pub(super) struct Spot {
    pub lists: Lists,
    pub at: Position,
    /// Data came in the body and not in attributes.
    pub in_body: bool,
    /// The event name came in the record's own `eventName`.
    pub named: bool,
}

impl Place for Spot {
    fn pointer(&self, field: Field) -> String {
        let record = self.lists.pointer(self.at);
        let name = match field {
            Field::Type if self.named => return record + "/eventName",
            Field::Data if self.in_body => return record + "/body",
            Field::Id => "biz.event.id",
            Field::Type => "biz.event.type",
            Field::Version => "biz.schema_version",
            Field::Source => "biz.source",
            Field::System => "biz.system",
            Field::Object | Field::ObjectType => "biz.object.type",
            Field::ObjectId => "biz.object.id",
            Field::Refs => "biz.ref",
            Field::Time => "biz.time",
            Field::Data => "biz.data",
        };
        format!("{record}/attributes/{name}")
    }

    /// `biz.data.lines` when the fault lies in the lines, and so on from there.
    fn in_data(&self, pointer: &str) -> String {
        match pointer.strip_prefix('/').filter(|_| !self.in_body) {
            Some(rest) => format!("{}.{rest}", self.pointer(Field::Data)),
            None => self.pointer(Field::Data) + pointer,
        }
    }

    fn link(&self, kind: &str) -> String {
        format!("{}.{kind}", self.pointer(Field::Refs))
    }
}

/// Adds what the mapping file says to the record's own `biz.*`, which stay first and so win.
pub(super) fn map<'p>(
    attributes: &mut Attributes<'p>,
    resource: &Resource<'p>,
    subject: &Subject<'_>,
    ctx: &'p Context<'p>,
) -> Result<(), Trouble> {
    if ctx.mapping.is_empty() {
        return Ok(());
    }
    let mut added: Vec<Attribute<'p>> = Vec::new();
    let outcome = {
        let find = |name: &str| {
            let watched = ctx.mapping.watches(name);
            watched.then(|| attributes.other(name).or_else(|| resource.find(name))).flatten()
        };
        let text = |value: Any<'p>| value.to_text(ctx.limits).unwrap_or_default();
        ctx.mapping.apply(subject, find, text, |name, given| {
            if attributes.biz(name).is_none() && !added.iter().any(|(key, _)| *key == name) {
                added.push((
                    name,
                    match given {
                        Given::Constant(text) => Any::Text(text),
                        Given::Attribute(value) => value,
                    },
                ));
            }
        })
    };
    outcome.map_err(|unlisted| {
        let mut pointer = "/attributes".to_owned();
        crate::refusal::push_segment(&mut pointer, unlisted.attribute);
        Trouble::Record(Refusal::new(Code::UnmappedValue, pointer, unlisted.listed.join(" or "), &unlisted.found))
    })?;
    attributes.biz.append(&mut added);
    Ok(())
}

/// The object that a technical record names, if it names one.
pub(super) fn object(attributes: &Attributes<'_>) -> Option<ObjectRef> {
    let kind = attributes.biz_text("biz.object.type")?;
    let id = attributes.biz("biz.object.id").and_then(id_text)?;
    (!kind.is_empty() && !id.is_empty()).then(|| ObjectRef::new(kind, id))
}

/// Ids are texts; whole numbers are taken as their digits, since many instrumentations send them so.
fn id_text(value: Any<'_>) -> Option<String> {
    match value {
        Any::Text(text) => Some(text.to_owned()),
        Any::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What counts where the attributes say nothing.
#[derive(Default)]
pub(super) struct Defaults<'d> {
    pub kind: Option<&'d str>,
    pub source: &'d str,
    pub system: Option<&'d str>,
}

/// What the `biz.*` attributes claim. A refusal's pointer begins at the record.
pub(super) fn claim(
    claims: &mut Claims,
    attributes: &Attributes<'_>,
    defaults: &Defaults<'_>,
    ctx: &Context<'_>,
) -> Result<(), Trouble> {
    // Names first, so that a refusal of what follows can carry them.
    for (key, value) in &attributes.biz {
        let slot = match *key {
            "biz.event.type" => &mut claims.kind,
            "biz.event.id" => &mut claims.id,
            "biz.object.type" => &mut claims.object_type,
            "biz.object.id" => &mut claims.object_id,
            "biz.source" => &mut claims.source,
            "biz.system" => &mut claims.system,
            _ => continue,
        };
        set(slot, key, *value)?;
    }
    let default = |text: &str| Some(text).filter(|t| !t.is_empty()).map(str::to_owned);
    claims.kind = claims.kind.take().or_else(|| defaults.kind.and_then(default));
    claims.source = claims.source.take().or_else(|| default(defaults.source));
    claims.system = claims.system.take().or_else(|| defaults.system.and_then(default));

    let mut dotted: Vec<(&str, Any<'_>)> = Vec::new();
    for (key, value) in &attributes.biz {
        match *key {
            "biz.time" => claims.time = Moment::Text(text(key, *value)?),
            "biz.schema_version" => {
                let version = value.to_json(ctx.limits)?;
                let version = json::version_claim(Some(version), "/attributes/biz.schema_version");
                claims.schema_version = version.map_err(Trouble::Record)?;
            }
            "biz.data" => whole(claims, *value, ctx)?,
            _ => {
                if let Some(kind) = key.strip_prefix("biz.ref.") {
                    let listed = as_texts(value.to_json(ctx.limits)?);
                    let link = |id| claims.refs.push(ObjectRef::new(kind, id));
                    json::ids(listed, || format!("/attributes/{key}"), link).map_err(Trouble::Record)?;
                } else if let Some(path) = key.strip_prefix("biz.data.") {
                    dotted.push((path, *value));
                }
            }
        }
    }
    fill(&mut claims.data, dotted, ctx)
}

/// Lays `biz.data.*` over what the body or `biz.data` gave.
fn fill(data: &mut Map<String, Value>, mut dotted: Vec<(&str, Any<'_>)>, ctx: &Context<'_>) -> Result<(), Trouble> {
    let mut own = Map::new();
    dotted.sort_by_key(|(path, _)| *path);
    for (path, value) in dotted {
        let value =
            value.to_json(ctx.limits).map_err(|t| beneath(beneath(t, &format!("biz.data.{path}")), "attributes"))?;
        put(&mut own, path, unfolded(value, ctx)).map_err(|()| conflict(&format!("biz.data.{path}")))?;
    }
    own.values_mut().for_each(number_lists);
    data.append(&mut own);
    Ok(())
}

fn set(slot: &mut Option<String>, key: &str, value: Any<'_>) -> Result<(), Trouble> {
    let text = text(key, value)?;
    match slot {
        Some(there) if *there != text => Err(conflict(key)),
        _ => {
            *slot = Some(text);
            Ok(())
        }
    }
}

fn text(key: &str, value: Any<'_>) -> Result<String, Trouble> {
    id_text(value).ok_or_else(|| {
        let found = value.to_json(&crate::Limits::default()).map_or_else(|_| String::new(), |v| show(&v));
        Trouble::Record(Refusal::new(Code::WrongType, format!("/attributes/{key}"), "a text", &found))
    })
}

fn as_texts(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Array(items) => Value::Array(items.into_iter().map(as_texts).collect()),
        other => other,
    }
}

/// `biz.data` as a map, or as JSON text.
fn whole(claims: &mut Claims, value: Any<'_>, ctx: &Context<'_>) -> Result<(), Trouble> {
    let pointer = "/attributes/biz.data";
    let read = match value {
        Any::Text(text) => json::document(text.as_bytes()).and_then(|text| json::value(text, ctx.limits)),
        other => Ok(other.to_json(ctx.limits)?),
    };
    let read = read.map_err(|r| Trouble::Record(Refusal { pointer: format!("{pointer}{}", r.pointer), ..r }))?;
    let Value::Object(members) = read else {
        return Err(Trouble::Record(Refusal::new(Code::WrongType, pointer, "an object", &show(&read))));
    };
    claims.data.extend(members);
    Ok(())
}

/// A list or map written as JSON text, which is how SDKs get nested values into attributes.
fn unfolded(value: Value, ctx: &Context<'_>) -> Value {
    match &value {
        Value::String(text) if text.starts_with(['[', '{']) => json::value(text, ctx.limits).unwrap_or(value),
        _ => value,
    }
}

/// Puts `value` at a dotted path. An error when something else is already there.
fn put(members: &mut Map<String, Value>, path: &str, value: Value) -> Result<(), ()> {
    let Some((first, rest)) = path.split_once('.') else {
        return if members.insert(path.to_owned(), value).is_none() { Ok(()) } else { Err(()) };
    };
    match members.entry(first.to_owned()).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(inner) => put(inner, rest, value),
        _ => Err(()),
    }
}

/// `lines.0.sku`, `lines.1.sku`: an object whose names are 0, 1, 2 … is a list.
fn number_lists(value: &mut Value) {
    let Value::Object(members) = value else { return };
    members.values_mut().for_each(number_lists);
    let count = members.len();
    if count == 0 || !(0..count).all(|i| members.contains_key(&i.to_string())) {
        return;
    }
    let items = (0..count).filter_map(|i| members.remove(&i.to_string())).collect();
    *value = Value::Array(items);
}

fn conflict(key: &str) -> Trouble {
    let pointer = format!("/attributes/{key}");
    Trouble::Record(Refusal::new(Code::ConflictingAttributes, pointer, "one value for each place", key))
}

/// From claims to a checked event. The outer error ends the reading of the payload.
pub(super) fn event(
    claimed: Result<(), Trouble>,
    claims: Claims,
    spot: &Spot,
    index: u32,
    ctx: &Context<'_>,
) -> Result<Result<Event, Refusal>, Trouble> {
    let Err(trouble) = claimed else { return Ok(admit(claims, spot, index, ctx)) };
    match super::place(trouble, index, || spot.lists.pointer(spot.at)) {
        Trouble::Record(refusal) => Ok(Err(Refusal { hint: hint(&claims), ..refusal })),
        whole => Err(whole),
    }
}
