//! JSON payloads: one event, an array of them, or one a line. `exact` reads the values, `plain` what they mean;
//! an object with `specversion` is a CloudEvent wherever it stands.

pub(crate) mod exact;
mod plain;

use serde::Deserializer;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde_json::Value;

pub(crate) use exact::{Flaw, Record};
pub(crate) use plain::{ids, object_claim, refs_claim, take_text, trace_claim, version_claim};

use crate::{Code, Context, Event, Limits, Reading, Refusal, cloudevent};

/// Reads one event or an array of events.
pub fn read_json(body: &[u8], ctx: &Context<'_>) -> Result<Reading, Refusal> {
    read_elements(body, ctx, &|value, index| event(value, index, ctx))
}

/// Reads one event a line. A line that is no JSON is refused by itself; blank lines do not count.
pub fn read_ndjson(body: &[u8], ctx: &Context<'_>) -> Result<Reading, Refusal> {
    let mut reading = Reading::default();
    for line in lines(body) {
        let (index, start) = (reading.items, line.as_ptr().addr() - body.as_ptr().addr());
        count(&mut reading, ctx.limits)?;
        let one = document(line).and_then(|text| value(text, ctx.limits));
        file(&mut reading, one.map_err(|r| beyond(r.at(index), start)).and_then(|value| event(value, index, ctx)));
    }
    if reading.items == 0 { Err(Refusal::new(Code::EmptyBody, "", "one JSON event a line", "")) } else { Ok(reading) }
}

/// An object or an array of objects, each given to `event`.
pub(crate) fn read_elements(
    body: &[u8],
    ctx: &Context<'_>,
    event: &dyn Fn(Value, u32) -> Result<Event, Refusal>,
) -> Result<Reading, Refusal> {
    let text = document(body)?;
    let mut reading = Reading::default();
    match text.trim_start().as_bytes().first() {
        Some(b'[') => elements(text, ctx.limits, &mut |element| {
            let index = reading.items;
            count(&mut reading, ctx.limits)?;
            match element {
                // Depth is an attack on us, not a slip in one record.
                Err(refusal) if refusal.code == Code::TooDeep.as_str() => return Err(in_element(refusal, index)),
                Err(refusal) => file(&mut reading, Err(refusal.at(index))),
                Ok(value) => file(&mut reading, event(value, index)),
            }
            Ok(())
        })?,
        _ => {
            let value = value(text, ctx.limits)?;
            if !value.is_object() {
                let found = crate::refusal::show(&value);
                return Err(Refusal::new(Code::WrongType, "", "an object or an array of objects", &found));
            }
            count(&mut reading, ctx.limits)?;
            file(&mut reading, event(value, 0));
        }
    }
    Ok(reading)
}

/// A place within a line, counted from the beginning of the body.
fn beyond(mut refusal: Refusal, start: usize) -> Refusal {
    refusal.offset = refusal.offset.map(|offset| offset + start as u64);
    refusal
}

fn in_element(mut refusal: Refusal, index: u32) -> Refusal {
    refusal.pointer = format!("/{index}{}", refusal.pointer);
    refusal
}

fn event(value: Value, index: u32, ctx: &Context<'_>) -> Result<Event, Refusal> {
    match value {
        Value::Object(fields) if fields.contains_key("specversion") => cloudevent::event(fields, index, ctx),
        Value::Object(fields) => plain::event(fields, index, ctx),
        other => Err(Refusal::new(Code::WrongType, "", "an object", &crate::refusal::show(&other)).at(index)),
    }
}

pub(crate) fn file(reading: &mut Reading, outcome: Result<Event, Refusal>) {
    match outcome {
        Ok(event) => reading.events.push(event),
        Err(refusal) => reading.refusals.push(refusal),
    }
}

pub(crate) fn count(reading: &mut Reading, limits: &Limits) -> Result<(), Refusal> {
    if reading.items >= limits.items {
        let expected = format!("at most {} records", limits.items);
        return Err(Refusal::new(Code::TooManyItems, "", expected, "more"));
    }
    reading.items += 1;
    Ok(())
}

/// The body as text, without a byte order mark.
pub(crate) fn document(body: &[u8]) -> Result<&str, Refusal> {
    let whole = body.len();
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let skipped = whole - body.len();
    let text = std::str::from_utf8(body).map_err(|e| {
        let rest = &body[e.valid_up_to()..];
        let found = hex::encode(&rest[..rest.len().min(4)]);
        Refusal::new(Code::InvalidUtf8, "", "UTF-8", &found)
            .because(format!("The bytes from {} on are not UTF-8.", e.valid_up_to()))
            .at_byte(e.valid_up_to() + skipped)
    })?;
    if text.trim().is_empty() { Err(Refusal::new(Code::EmptyBody, "", "JSON", "")) } else { Ok(text) }
}

/// Lines of an NDJSON body that hold something.
pub(crate) fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

/// One JSON document, exactly.
pub(crate) fn value(text: &str, limits: &Limits) -> Result<Value, Refusal> {
    let mut flaw = Flaw::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde::de::DeserializeSeed::deserialize(Record::new(limits, &mut flaw), &mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|e| syntax(text, &e))?;
    flaw.into_refusal().map_or(Ok(value), Err)
}

/// The elements of an array one after the other, so that one with a flaw does not spoil its neighbours.
pub(crate) fn elements(
    text: &str,
    limits: &Limits,
    each: &mut dyn FnMut(Result<Value, Refusal>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut stop = None;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let outcome =
        deserializer.deserialize_seq(Elements { limits, each, stop: &mut stop }).and_then(|()| deserializer.end());
    match (stop, outcome) {
        (Some(refusal), _) => Err(refusal),
        (None, outcome) => outcome.map_err(|e| syntax(text, &e)),
    }
}

struct Elements<'e> {
    limits: &'e Limits,
    each: &'e mut dyn FnMut(Result<Value, Refusal>) -> Result<(), Refusal>,
    stop: &'e mut Option<Refusal>,
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        loop {
            let mut flaw = Flaw::default();
            let Some(value) = seq.next_element_seed(Record::new(self.limits, &mut flaw))? else { return Ok(()) };
            if let Err(refusal) = (self.each)(flaw.into_refusal().map_or(Ok(value), Err)) {
                *self.stop = Some(refusal);
                return Err(A::Error::custom("stopped"));
            }
        }
    }
}

pub(crate) fn syntax(text: &str, error: &serde_json::Error) -> Refusal {
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let near = error.column().saturating_sub(10);
    let found: String = line.char_indices().skip_while(|(at, _)| *at < near).map(|(_, c)| c).take(40).collect();
    let detail = format!("The text is not JSON: {error}.");
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let offset = (before + error.column().saturating_sub(1)).min(text.len());
    Refusal::new(Code::InvalidJson, "", "JSON", &found).because(detail).at_byte(offset)
}
