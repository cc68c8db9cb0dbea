//! The last step of every reader: from the fields that a record claims to a checked `Event`, or the first
//! reason why not. Where each field stood is the reader's knowledge, given as `Place`.

use chrono::{DateTime, FixedOffset};
use serde_json::{Map, Value};

use crate::act::is_reserved;
use crate::refusal::show;
use crate::vocabulary::{OBJECT_TYPES, is_object_type, nearest};
use crate::{Code, Context, Event, EventType, Hint, ObjectRef, Refusal, TraceRef, time};

/// What a record says of itself, before anything is checked.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    pub id: Option<String>,
    pub kind: Option<String>,
    pub schema_version: Option<u32>,
    pub source: Option<String>,
    pub system: Option<String>,
    pub object_type: Option<String>,
    pub object_id: Option<String>,
    pub refs: Vec<ObjectRef>,
    pub time: Moment,
    pub trace: TraceRef,
    pub data: Map<String, Value>,
}

#[derive(Debug, Default)]
pub(crate) enum Moment {
    #[default]
    None,
    Text(String),
    Nanos(u64),
}

/// A field of the envelope, for pointers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Id,
    Type,
    Version,
    Source,
    System,
    Object,
    ObjectType,
    ObjectId,
    Refs,
    Time,
    Data,
}

/// Where the fields stand in the record at hand.
pub(crate) trait Place {
    fn pointer(&self, field: Field) -> String;

    /// Of a place inside the data, given as a JSON pointer.
    fn in_data(&self, pointer: &str) -> String {
        self.pointer(Field::Data) + pointer
    }

    /// Of one link.
    fn link(&self, kind: &str) -> String {
        let mut pointer = self.pointer(Field::Refs);
        crate::refusal::push_segment(&mut pointer, kind);
        pointer
    }
}

/// Checks everything about one record. The refusal carries whatever names could be told.
pub(crate) fn admit(mut claims: Claims, place: &dyn Place, index: u32, ctx: &Context<'_>) -> Result<Event, Refusal> {
    drop_nulls(&mut claims.data);
    let mut data = Value::Object(std::mem::take(&mut claims.data));
    match check(&mut claims, &data, place, ctx) {
        Ok((system, occurred_at)) => Ok(Event {
            id: claims.id.unwrap_or_default(),
            kind: claims.kind.unwrap_or_default(),
            schema_version: claims.schema_version.unwrap_or(1),
            source: claims.source.unwrap_or_default(),
            system,
            object: ObjectRef {
                kind: claims.object_type.unwrap_or_default(),
                id: claims.object_id.unwrap_or_default(),
            },
            refs: claims.refs,
            occurred_at,
            trace: claims.trace,
            data: data.as_object_mut().map(std::mem::take).unwrap_or_default(),
            index,
        }),
        Err(mut refusal) => {
            refusal.index = index;
            refusal.hint = hint(&claims);
            Err(refusal)
        }
    }
}

/// What can be told of a record that is refused.
pub(crate) fn hint(claims: &Claims) -> Hint {
    let name = |text: &Option<String>| crate::refusal::cut(text.as_deref().unwrap_or_default());
    Hint {
        event_id: name(&claims.id),
        event_type: name(&claims.kind),
        schema_version: claims.schema_version.unwrap_or(u32::from(claims.kind.is_some())),
        source: name(&claims.source),
        object_type: name(&claims.object_type),
        object_id: name(&claims.object_id),
    }
}

fn check(
    claims: &mut Claims,
    data: &Value,
    place: &dyn Place,
    ctx: &Context<'_>,
) -> Result<(String, DateTime<FixedOffset>), Refusal> {
    if claims.source.is_none() && !ctx.source.is_empty() {
        claims.source = Some(ctx.source.to_owned());
    }
    let known = event_type(claims, place, ctx)?;
    id(claims.id.as_deref(), place, Field::Id, ctx)?;
    let source = id(claims.source.as_deref(), place, Field::Source, ctx)?;
    let system = system(claims.system.as_deref(), source, known, place)?;
    object(claims, known, place, ctx)?;
    let occurred_at = moment(&claims.time, place)?;
    contract(claims, known, data, place)?;
    links(claims, data, place, ctx)?;
    Ok((system, occurred_at))
}

fn event_type<'c>(claims: &Claims, place: &dyn Place, ctx: &Context<'c>) -> Result<&'c EventType, Refusal> {
    let pointer = || place.pointer(Field::Type);
    let Some(kind) = claims.kind.as_deref() else { return Err(missing(pointer(), "an event type")) };
    ctx.contracts.find(kind).ok_or_else(|| {
        let near = ctx.contracts.nearest(kind);
        let expected = near.unwrap_or("an event type that has a contract");
        let refusal = Refusal::new(Code::UnknownEventType, pointer(), expected, kind);
        match near {
            Some(near) => refusal.because(format!("No contract describes this event type. Did you mean {near}?")),
            None => refusal,
        }
    })
}

fn missing(pointer: String, expected: &str) -> Refusal {
    Refusal::new(Code::MissingField, pointer, expected, "nothing")
}

/// Checks a text that names something.
fn id<'t>(text: Option<&'t str>, place: &dyn Place, field: Field, ctx: &Context<'_>) -> Result<&'t str, Refusal> {
    let Some(text) = text else { return Err(missing(place.pointer(field), "a text that names it")) };
    id_code(text, ctx).map_or(Ok(text), |(code, expected)| {
        Err(Refusal::new(code, place.pointer(field), expected, &show(&Value::from(text))))
    })
}

fn id_code(text: &str, ctx: &Context<'_>) -> Option<(Code, String)> {
    let limit = ctx.limits.id_bytes;
    if text.len() > limit as usize {
        return Some((Code::IdTooLong, format!("at most {limit} bytes")));
    }
    if text.trim_start().is_empty() {
        return Some((Code::EmptyValue, "a text that names it".to_owned()));
    }
    let is_odd = |text: &str| text.trim().len() != text.len() || text.chars().any(char::is_control);
    let is_plain = text.bytes().all(|b| b.is_ascii_graphic());
    if !is_plain && is_odd(text) {
        return Some((Code::InvalidId, "no control characters, no white space at the ends".to_owned()));
    }
    None
}

/// What the record says, else what its source begins with, else the system that usually reports such events.
fn system(claimed: Option<&str>, source: &str, known: &EventType, place: &dyn Place) -> Result<String, Refusal> {
    if let Some(odd) = claimed.filter(|word| !is_word(word)) {
        return Err(Refusal::new(Code::WrongFormat, place.pointer(Field::System), "one word, such as wms", odd));
    }
    let usual = if known.system.is_empty() { "unknown" } else { &known.system };
    let system = claimed.or_else(|| system_of(source)).unwrap_or(usual).to_ascii_lowercase();
    if !is_reserved(&system, source) {
        return Ok(system);
    }
    let (field, found) = if claimed.is_some() { (Field::System, &*system) } else { (Field::Source, source) };
    Err(Refusal::new(Code::ReservedName, place.pointer(field), "the name of a system of yours", found))
}

/// `wms` of `wms/east-2`; None where the source begins with no plain word (a URL, say).
pub(crate) fn system_of(source: &str) -> Option<&str> {
    source.trim_start_matches('/').split('/').next().filter(|word| is_word(word))
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

fn object(claims: &Claims, known: &EventType, place: &dyn Place, ctx: &Context<'_>) -> Result<(), Refusal> {
    let Some(kind) = claims.object_type.as_deref() else {
        let field = if claims.object_id.is_none() { Field::Object } else { Field::ObjectType };
        return Err(missing(place.pointer(field), "the business object, type and id"));
    };
    object_type(kind, || place.pointer(Field::ObjectType))?;
    if !known.objects.is_empty() && !known.objects.iter().any(|o| o == kind) {
        let expected = known.objects.join(" or ");
        return Err(Refusal::new(Code::WrongObjectType, place.pointer(Field::ObjectType), expected, kind));
    }
    id(claims.object_id.as_deref(), place, Field::ObjectId, ctx).map(|_| ())
}

fn object_type(kind: &str, pointer: impl FnOnce() -> String) -> Result<(), Refusal> {
    if is_object_type(kind) {
        return Ok(());
    }
    let near = nearest(kind, OBJECT_TYPES.iter().copied());
    let expected = near.map_or_else(|| OBJECT_TYPES.join(" or "), str::to_owned);
    let refusal = Refusal::new(Code::UnknownObjectType, pointer(), expected, kind);
    Err(match near {
        Some(near) => refusal.because(format!("No business object has this type. Did you mean {near}?")),
        None => refusal,
    })
}

fn moment(time: &Moment, place: &dyn Place) -> Result<DateTime<FixedOffset>, Refusal> {
    let (read, found) = match time {
        Moment::None => return Err(missing(place.pointer(Field::Time), time::EXPECTED)),
        Moment::Text(text) => (time::parse(text), show(&Value::from(text.as_str()))),
        Moment::Nanos(nanos) => (time::from_nanos(*nanos), nanos.to_string()),
    };
    let checked = read.and_then(|time| time::check_range(time).map(|()| time));
    checked.map_err(|code| Refusal::new(code, place.pointer(Field::Time), time::EXPECTED, &found))
}

fn contract(claims: &Claims, known: &EventType, data: &Value, place: &dyn Place) -> Result<(), Refusal> {
    let version = claims.schema_version.unwrap_or(1);
    let Some(checked) = known.check(version, data) else {
        let expected: Vec<String> = known.versions().map(|v| v.to_string()).collect();
        let (pointer, found) = (place.pointer(Field::Version), version.to_string());
        return Err(Refusal::new(Code::UnknownSchemaVersion, pointer, expected.join(" or "), &found));
    };
    checked.map_err(|violation| {
        let pointer = place.in_data(&violation.pointer);
        let refusal = Refusal::new(violation.code, pointer, violation.expected, &violation.found);
        match violation.others {
            0 => refusal,
            n => refusal.because(format!("{} There are {n} more faults in this event.", violation.code.meaning())),
        }
    })
}

/// Links as stated, plus orders and shipments named on lines; sorted, once each, without the object itself.
fn links(claims: &mut Claims, data: &Value, place: &dyn Place, ctx: &Context<'_>) -> Result<(), Refusal> {
    for link in &claims.refs {
        object_type(&link.kind, || place.link(&link.kind))?;
        if let Some((code, expected)) = id_code(&link.id, ctx) {
            let found = show(&Value::from(link.id.as_str()));
            return Err(Refusal::new(code, place.link(&link.kind), expected, &found));
        }
    }
    for line in data.get("lines").and_then(Value::as_array).into_iter().flatten() {
        for kind in ["order", "shipment"] {
            let named = line.get(kind).and_then(Value::as_str).filter(|id| id_code(id, ctx).is_none());
            let named = named.filter(|id| !claims.refs.iter().rev().take(8).any(|r| r.kind == kind && r.id == *id));
            claims.refs.extend(named.map(|id| ObjectRef::new(kind, id)));
        }
    }
    let (kind, id) = (claims.object_type.as_deref(), claims.object_id.as_deref());
    claims.refs.retain(|link| Some(link.kind.as_str()) != kind || Some(link.id.as_str()) != id);
    claims.refs.sort();
    claims.refs.dedup();
    let limit = ctx.limits.refs as usize;
    if claims.refs.len() > limit {
        let found = claims.refs.len().to_string();
        return Err(Refusal::new(Code::TooManyRefs, place.pointer(Field::Refs), format!("at most {limit}"), &found));
    }
    Ok(())
}

/// `null` says nothing: the same as leaving the field out. Looked for first, since most events have none.
fn drop_nulls(members: &mut Map<String, Value>) {
    if !members.values().any(has_null) {
        return;
    }
    members.retain(|_, value| !value.is_null());
    members.values_mut().for_each(drop_nulls_within);
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.values().any(has_null),
        Value::Array(items) => items.iter().any(has_null),
        _ => false,
    }
}

fn drop_nulls_within(value: &mut Value) {
    match value {
        Value::Object(members) => drop_nulls(members),
        Value::Array(items) => items.iter_mut().for_each(drop_nulls_within),
        _ => {}
    }
}

/// Reads `00-<trace>-<span>-01`; anything else is no trace context, and then there is none.
pub(crate) fn traceparent(text: &str) -> TraceRef {
    let parts: Vec<&str> = text.trim().split('-').collect();
    match parts.as_slice() {
        [version, trace_id, span_id, ..] if version.len() == 2 => trace(trace_id, span_id),
        _ => TraceRef::default(),
    }
}

/// Takes ids that are hexadecimal of the right length and not all zero.
pub(crate) fn trace(trace_id: &str, span_id: &str) -> TraceRef {
    let is_id = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit()) && text.bytes().any(|b| b != b'0')
    };
    if !is_id(trace_id, 32) {
        return TraceRef::default();
    }
    let span_id = if is_id(span_id, 16) { span_id.to_ascii_lowercase() } else { String::new() };
    TraceRef { trace_id: trace_id.to_ascii_lowercase(), span_id }
}
