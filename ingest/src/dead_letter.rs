//! Dead letters: payloads that another system gave up on, handed over whole with what it knows of them. The payload
//! stands inside as text, as JSON or as base64; nothing in it has to be readable.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use crate::json::{count, document};
use crate::refusal::cut;
use crate::{Code, Context, Hint, ObjectRef, Reading, Refusal, Stage};

/// What is known of a dead letter, without its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Position in its body, from 0.
    pub index: u32,
    /// The sender's own id of it; the same letter again counts once. Empty when it has none.
    pub id: String,
    /// Where it failed, as far as the sender says: delivery unless told otherwise.
    pub stage: Stage,
    /// Stable, `snake_case`; `dead_lettered` when the sender gives none.
    pub code: String,
    /// JSON pointer into the payload, empty where no place is known.
    pub pointer: String,
    pub expected: String,
    pub found: String,
    /// One sentence of the sender.
    pub reason: String,
    /// Where it could not be brought.
    pub target: String,
    pub attempts: u32,
    pub hint: Hint,
    /// Hash of the letter as it was written, to know it again.
    pub content: u64,
}

/// A dead letter with what is inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub about: DeadLetter,
    /// To the letter.
    pub payload: Vec<u8>,
    /// Headers of the message that failed, in the order of their names.
    pub headers: Vec<(String, String)>,
}

/// The code of a letter that brings none.
pub const DEAD_LETTERED: &str = "dead_lettered";

const EXPECTED: &str = "an object with `payload` or `payload_base64`";

/// Reads one dead letter or an array of them.
pub fn read_dead_letters(body: &[u8], ctx: &Context<'_>) -> Result<Reading, Refusal> {
    let mut reading = Reading::default();
    for raw in letters(document(body)?)? {
        let index = reading.items;
        count(&mut reading, ctx.limits)?;
        match letter(raw, index) {
            Ok(letter) => reading.dead_letters.push(letter.about),
            Err(refusal) => reading.refusals.push(refusal.at(index)),
        }
    }
    if reading.items == 0 { Err(Refusal::new(Code::EmptyBody, "", EXPECTED, "[]")) } else { Ok(reading) }
}

/// The letter at `index` of a stored body, with its payload. None when there is none that can be read.
pub fn dead_letter(body: &[u8], index: u32) -> Option<Letter> {
    let raw = letters(document(body).ok()?).ok()?.into_iter().nth(index as usize)?;
    letter(raw, index).ok()
}

/// Every letter of a stored body that can be read, with its payload.
pub fn dead_letters(body: &[u8]) -> Vec<Letter> {
    let all = document(body).ok().and_then(|text| letters(text).ok()).unwrap_or_default();
    all.into_iter().zip(0..).filter_map(|(raw, index)| letter(raw, index).ok()).collect()
}

fn letters(text: &str) -> Result<Vec<&RawValue>, Refusal> {
    let read = match text.trim_start().as_bytes().first() {
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(text),
        _ => serde_json::from_str::<&RawValue>(text).map(|one| vec![one]),
    };
    read.map_err(|error| crate::json::syntax(text, &error))
}

/// Fields of a letter as they came.
struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    /// The first of these names that is there and not null.
    fn take(&self, names: &[&'static str]) -> Option<(&'static str, &'a RawValue)> {
        let there = |name: &&'static str| self.0.get(*name).filter(|raw| raw.get() != "null").map(|raw| (*name, *raw));
        names.iter().find_map(there)
    }

    fn text(&self, names: &[&'static str]) -> Result<String, Refusal> {
        let Some((name, raw)) = self.take(names) else { return Ok(String::new()) };
        match serde_json::from_str::<serde_json::Value>(raw.get()) {
            Ok(serde_json::Value::String(text)) => Ok(text),
            Ok(serde_json::Value::Number(number)) => Ok(number.to_string()),
            _ => Err(wrong(name, "a text", raw)),
        }
    }

    fn number(&self, names: &[&'static str]) -> Result<u32, Refusal> {
        let Some((name, raw)) = self.take(names) else { return Ok(0) };
        // Some brokers list their attempts in place of counting them.
        if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
            return Ok(u32::try_from(list.len()).unwrap_or(u32::MAX));
        }
        serde_json::from_str(raw.get()).map_err(|_| wrong(name, "a whole number", raw))
    }
}

fn wrong(name: &str, expected: &str, raw: &RawValue) -> Refusal {
    Refusal::new(Code::WrongType, format!("/{name}"), expected, raw.get())
}

fn letter(raw: &RawValue, index: u32) -> Result<Letter, Refusal> {
    let fields = serde_json::from_str::<BTreeMap<String, &RawValue>>(raw.get());
    let fields = Fields(fields.map_err(|_| Refusal::new(Code::WrongType, "", EXPECTED, raw.get()))?);
    let payload = payload(&fields)?;
    let inner = inner(&payload);
    let or = |said: String, inside: &str| if said.is_empty() { cut(inside) } else { said };
    let object = match fields.take(&["object"]) {
        None => None,
        Some((name, raw)) => Some(object(raw).ok_or_else(|| wrong(name, "`type/id` or {\"type\", \"id\"}", raw))?),
    };
    let (object_type, object_id) = match object {
        Some(object) => (object.kind, object.id),
        None => (inner.object_type, inner.object_id),
    };
    let code = fields.text(&["code"])?;
    let hint = Hint {
        event_id: or(fields.text(&["event_id"])?, &inner.event_id),
        event_type: or(fields.text(&["event_type", "type"])?, &inner.event_type),
        schema_version: fields.number(&["schema_version"])?,
        source: fields.text(&["source"])?,
        object_type,
        object_id,
    };
    let about = DeadLetter {
        index,
        id: fields.text(&["id"])?,
        stage: stage(&fields.text(&["stage"])?),
        code: if code.trim().is_empty() { DEAD_LETTERED.to_owned() } else { slug(&code) },
        pointer: cut(&fields.text(&["pointer", "path"])?),
        expected: cut(&fields.text(&["expected"])?),
        found: cut(&fields.text(&["found"])?),
        reason: fields.text(&["reason", "error"])?,
        target: cut(&fields.text(&["target"])?),
        attempts: fields.number(&["attempts", "attempt"])?,
        hint,
        content: {
            let mut hasher = DefaultHasher::new();
            raw.get().hash(&mut hasher);
            hasher.finish()
        },
    };
    Ok(Letter { about, payload, headers: headers(&fields)? })
}

fn payload(fields: &Fields<'_>) -> Result<Vec<u8>, Refusal> {
    let packed = fields.take(&["payload_base64", "body_base64"]);
    let told = fields.text(&["encoding"])?.eq_ignore_ascii_case("base64");
    let (name, raw, packed) = match (packed, fields.take(&["payload", "body"])) {
        (Some((name, raw)), _) => (name, raw, true),
        (None, Some((name, raw))) => (name, raw, told),
        (None, None) => return Err(Refusal::new(Code::MissingField, "/payload", "text, JSON or base64", "nothing")),
    };
    if !raw.get().starts_with('"') {
        // JSON in place: kept as it was written, number for number.
        return if packed { Err(wrong(name, "base64 as text", raw)) } else { Ok(raw.get().as_bytes().to_vec()) };
    }
    let text: String = serde_json::from_str(raw.get()).map_err(|_| wrong(name, "a text", raw))?;
    if !packed {
        return Ok(text.into_bytes());
    }
    STANDARD.decode(text.trim()).map_err(|error| {
        Refusal::new(Code::InvalidBase64, format!("/{name}"), "base64", &text).because(error.to_string())
    })
}

fn headers(fields: &Fields<'_>) -> Result<Vec<(String, String)>, Refusal> {
    let Some((name, raw)) = fields.take(&["headers"]) else { return Ok(Vec::new()) };
    let read: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(raw.get()).map_err(|_| wrong(name, "an object of texts", raw))?;
    let mut out = Vec::new();
    for (name, value) in read {
        match value {
            serde_json::Value::String(text) => out.push((name, text)),
            serde_json::Value::Array(all) => out.extend(all.into_iter().map(|value| (name.clone(), plain(&value)))),
            other => out.push((name, plain(&other))),
        }
    }
    Ok(out)
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What the payload says of itself, when it is one of our events; nothing is required of it.
fn inner(payload: &[u8]) -> Hint {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Named<'a> {
        id: Option<serde_json::Value>,
        #[serde(rename = "type")]
        kind: Option<serde_json::Value>,
        #[serde(borrow)]
        object: Option<&'a RawValue>,
        subject: Option<serde_json::Value>,
    }
    let Ok(named) = serde_json::from_slice::<Named<'_>>(payload) else { return Hint::default() };
    let text = |value: Option<serde_json::Value>| value.and_then(|v| v.as_str().map(cut)).unwrap_or_default();
    let subject = text(named.subject);
    let object = named.object.and_then(object).or_else(|| ObjectRef::parse(&subject));
    let (object_type, object_id) = object.map(|o| (cut(&o.kind), cut(&o.id))).unwrap_or_default();
    Hint { event_id: text(named.id), event_type: text(named.kind), object_type, object_id, ..Hint::default() }
}

fn object(raw: &RawValue) -> Option<ObjectRef> {
    if let Ok(text) = serde_json::from_str::<String>(raw.get()) {
        return ObjectRef::parse(&text);
    }
    let object: ObjectRef = serde_json::from_str(raw.get()).ok()?;
    (!object.kind.is_empty() && !object.id.is_empty()).then_some(object)
}

/// The stages of middleware in our words.
fn stage(told: &str) -> Stage {
    match told {
        "validation" | "validate" => Stage::Validate,
        "transformation" | "map" | "mapping" => Stage::Map,
        "decode" | "decoding" => Stage::Decode,
        "process" | "processing" => Stage::Process,
        _ => Stage::Deliver,
    }
}

/// `HTTP 422` → `http_422`: a code in our writing.
pub fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(80) {
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    out.truncate(out.trim_end_matches('_').len());
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn one(body: &str) -> Letter {
        dead_letter(body.as_bytes(), 0).unwrap()
    }

    #[test]
    fn the_payload_is_kept_to_the_letter_in_each_writing() {
        let inside = r#"{ "quantity": 1.50, "id":"a" }"#;
        let text = serde_json::json!({"payload": inside}).to_string();
        for body in [
            format!(r#"{{"payload": {inside}}}"#),
            text,
            format!(r#"{{"payload_base64": "{}"}}"#, STANDARD.encode(inside)),
            format!(r#"{{"encoding": "base64", "payload": "{}"}}"#, STANDARD.encode(inside)),
        ] {
            assert_eq!(one(&body).payload, inside.as_bytes(), "{body}");
        }
        let binary = [0u8, 159, 146, 255];
        assert_eq!(one(&format!(r#"{{"payload_base64": "{}"}}"#, STANDARD.encode(binary))).payload, binary);
    }

    #[test]
    fn what_the_sender_knows_is_read_and_the_payload_helps_out() {
        let letter = one(r#"{"payload": "{\"id\": \"e1\", \"type\": \"invoice.issued\", \"object\": \"invoice/I-1\"}",
            "headers": {"content-type": "application/json", "x": ["1", 2]}, "target": "finance/posting",
            "reason": "HTTP 422", "code": "HTTP 422", "attempts": [{}, {}], "stage": "transformation"}"#);
        assert_eq!(letter.headers.len(), 3);
        let about = letter.about;
        assert_eq!((about.attempts, about.stage, about.code.as_str()), (2, Stage::Map, "http_422"));
        assert_eq!((about.hint.event_type.as_str(), about.hint.object_id.as_str()), ("invoice.issued", "I-1"));
    }

    #[test]
    fn a_letter_without_a_payload_is_refused_with_its_place() {
        let refused = |body: &str| {
            let raw = serde_json::from_str::<&RawValue>(body).unwrap();
            let refusal = letter(raw, 0).unwrap_err();
            (refusal.code, refusal.pointer)
        };
        assert_eq!(refused(r#"{"reason": "x"}"#), ("missing_field".into(), "/payload".into()));
        assert_eq!(refused("7"), ("wrong_type".into(), String::new()));
        assert_eq!(refused(r#"{"payload_base64": "!"}"#), ("invalid_base64".into(), "/payload_base64".into()));
        assert_eq!(refused(r#"{"payload": "", "attempts": "many"}"#), ("wrong_type".into(), "/attempts".into()));
        assert_eq!(slug("  HTTP/1.1 503! "), "http_1_1_503");
    }
}
