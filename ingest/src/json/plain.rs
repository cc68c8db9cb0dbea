//! The plain JSON form of an event, and how its fields are told; CloudEvents share the pieces.

use serde_json::{Map, Value};

use crate::envelope::{Claims, Field, Moment, Place, admit, hint, trace, traceparent};
use crate::refusal::show;
use crate::{Code, Context, Event, ObjectRef, Refusal, TraceRef};

struct Plain;

impl Place for Plain {
    fn pointer(&self, field: Field) -> String {
        let text = match field {
            Field::Id => "/id",
            Field::Type => "/type",
            Field::Version => "/schema_version",
            Field::Source => "/source",
            Field::System => "/system",
            Field::Object => "/object",
            Field::ObjectType => "/object/type",
            Field::ObjectId => "/object/id",
            Field::Refs => "/refs",
            Field::Time => "/time",
            Field::Data => "/data",
        };
        text.to_owned()
    }
}

pub(super) fn event(mut fields: Map<String, Value>, index: u32, ctx: &Context<'_>) -> Result<Event, Refusal> {
    let mut claims = Claims::default();
    match claim(&mut claims, &mut fields) {
        Ok(()) => admit(claims, &Plain, index, ctx),
        Err(refusal) => Err(Refusal { hint: hint(&claims), ..refusal.at(index) }),
    }
}

fn claim(claims: &mut Claims, fields: &mut Map<String, Value>) -> Result<(), Refusal> {
    // Names first, so that a refusal of what follows can carry them.
    claims.id = take_text(fields, "id", "/id")?;
    claims.kind = take_text(fields, "type", "/type")?;
    claims.source = take_text(fields, "source", "/source")?;
    claims.system = take_text(fields, "system", "/system")?;
    if let Some(object) = fields.remove("object") {
        object_claim(claims, object, "/object")?;
    }
    claims.schema_version = version_claim(fields.remove("schema_version"), "/schema_version")?;
    claims.time = take_text(fields, "time", "/time")?.map_or(Moment::None, Moment::Text);
    if let Some(refs) = fields.remove("refs") {
        claims.refs = refs_claim(refs, "/refs")?;
    }
    claims.trace = trace_claim(fields);
    match fields.remove("data") {
        None | Some(Value::Null) => {}
        Some(Value::Object(data)) => claims.data = data,
        Some(other) => return Err(wrong_type("/data", "an object", &other)),
    }
    Ok(())
}

fn wrong_type(pointer: &str, expected: &str, found: &Value) -> Refusal {
    Refusal::new(Code::WrongType, pointer, expected, &show(found))
}

/// Takes a text field out; a missing one and `null` are the same.
pub(crate) fn take_text(fields: &mut Map<String, Value>, name: &str, pointer: &str) -> Result<Option<String>, Refusal> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(pointer, "a text", &other)),
    }
}

/// `{"type": "order", "id": "SO-1"}`, or `"order/SO-1"`.
pub(crate) fn object_claim(claims: &mut Claims, object: Value, pointer: &str) -> Result<(), Refusal> {
    match object {
        Value::Null => Ok(()),
        Value::Object(mut object) => {
            let beneath = |refusal: Refusal| Refusal { pointer: format!("{pointer}{}", refusal.pointer), ..refusal };
            claims.object_type = take_text(&mut object, "type", "/type").map_err(beneath)?;
            claims.object_id = take_text(&mut object, "id", "/id").map_err(beneath)?;
            Ok(())
        }
        Value::String(text) => {
            let Some((kind, id)) = text.split_once('/') else {
                return Err(Refusal::new(Code::WrongFormat, pointer, "type/id", &text));
            };
            claims.object_type = Some(kind.to_owned());
            claims.object_id = Some(id.to_owned());
            Ok(())
        }
        other => Err(wrong_type(pointer, "an object with type and id", &other)),
    }
}

/// A positive whole number, also as text (CloudEvents attributes are texts).
pub(crate) fn version_claim(version: Option<Value>, pointer: &str) -> Result<Option<u32>, Refusal> {
    let text = match &version {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_str(),
        Some(Value::String(text)) => text,
        Some(other) => return Err(wrong_type(pointer, "a whole number", other)),
    };
    match text.parse() {
        Ok(version) => Ok(Some(version)),
        Err(_) => Err(Refusal::new(Code::WrongFormat, pointer, "a whole number", text)),
    }
}

/// `{"order": "SO-1", "load": ["L-1", "L-2"]}`.
pub(crate) fn refs_claim(refs: Value, pointer: &str) -> Result<Vec<ObjectRef>, Refusal> {
    let refs = match refs {
        Value::Null => return Ok(Vec::new()),
        Value::Object(refs) => refs,
        other => return Err(wrong_type(pointer, "an object: type to id, or to a list of ids", &other)),
    };
    let mut links = Vec::new();
    for (kind, value) in refs {
        let place = || {
            let mut place = pointer.to_owned();
            crate::refusal::push_segment(&mut place, &kind);
            place
        };
        ids(value, place, |id| links.push(ObjectRef::new(kind.clone(), id)))?;
    }
    Ok(links)
}

/// One id or a list of ids.
pub(crate) fn ids(value: Value, pointer: impl Fn() -> String, mut each: impl FnMut(String)) -> Result<(), Refusal> {
    match value {
        Value::Null => Ok(()),
        Value::String(id) => {
            each(id);
            Ok(())
        }
        Value::Array(list) => {
            for (i, id) in list.into_iter().enumerate() {
                match id {
                    Value::String(id) => each(id),
                    Value::Null => {}
                    other => return Err(wrong_type(&format!("{}/{i}", pointer()), "a text", &other)),
                }
            }
            Ok(())
        }
        other => Err(wrong_type(&pointer(), "an id, or a list of ids", &other)),
    }
}

/// `trace: {trace_id, span_id}` or `traceparent`. A broken trace context is left out, as W3C asks.
pub(crate) fn trace_claim(fields: &mut Map<String, Value>) -> TraceRef {
    let parent = fields.remove("traceparent");
    match fields.remove("trace") {
        Some(Value::Object(object)) => {
            let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
            trace(text("trace_id"), text("span_id"))
        }
        Some(Value::String(text)) => traceparent(&text),
        _ => parent.as_ref().and_then(Value::as_str).map(traceparent).unwrap_or_default(),
    }
}
