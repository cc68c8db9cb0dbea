//! CloudEvents 1.0 in its three HTTP modes. `id`, `type`, `source` and `time` are its own attributes, the object
//! is the `subject` ("shipment/SH-88") or `data.object`, links are `data.refs`, the rest of `data` is the event's.

use base64::Engine as _;
use serde_json::{Map, Value};

use crate::envelope::{Claims, Field, Moment, Place, admit, hint};
use crate::json::{self, object_claim, refs_claim, take_text, trace_claim, version_claim};
use crate::refusal::show;
use crate::{Code, Context, Event, Limits, Reading, Refusal};

/// Reads one event in structured mode.
pub fn read_cloudevent(body: &[u8], ctx: &Context<'_>) -> Result<Reading, Refusal> {
    let value = json::value(json::document(body)?, ctx.limits)?;
    let Value::Object(fields) = value else {
        return Err(Refusal::new(Code::WrongType, "", "one CloudEvent, an object", &show(&value)));
    };
    let mut reading = Reading { items: 1, ..Reading::default() };
    json::file(&mut reading, event(fields, 0, ctx));
    Ok(reading)
}

/// Reads an array of events in structured mode.
pub fn read_cloudevent_batch(body: &[u8], ctx: &Context<'_>) -> Result<Reading, Refusal> {
    json::read_elements(body, ctx, &|value, index| match value {
        Value::Object(fields) => event(fields, index, ctx),
        other => Err(Refusal::new(Code::WrongType, "", "a CloudEvent, an object", &show(&other)).at(index)),
    })
}

/// Reads one event in binary mode: attributes are `ce-…` headers, the body is the data.
pub fn read_cloudevent_binary(
    headers: &[(String, String)],
    body: &[u8],
    ctx: &Context<'_>,
) -> Result<Reading, Refusal> {
    let fields = from_binary(headers, body, ctx.limits)?;
    let mut reading = Reading { items: 1, ..Reading::default() };
    json::file(&mut reading, event(fields, 0, ctx));
    Ok(reading)
}

/// The structured form of a binary event.
pub(crate) fn from_binary(
    headers: &[(String, String)],
    body: &[u8],
    limits: &Limits,
) -> Result<Map<String, Value>, Refusal> {
    let mut fields = Map::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if let Some(attribute) = name.strip_prefix("ce-") {
            fields.insert(attribute.to_owned(), Value::String(percent_decoded(value)));
        } else if name == "traceparent" && !fields.contains_key("traceparent") {
            fields.insert(name, Value::String(value.clone()));
        }
    }
    if !body.trim_ascii().is_empty() {
        fields.insert("data".to_owned(), json::value(json::document(body)?, limits)?);
    }
    Ok(fields)
}

/// Header values carry what is not printable ASCII percent-encoded, as UTF-8.
fn percent_decoded(text: &str) -> String {
    let hex = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match (bytes[i], hex(bytes.get(i + 1)), hex(bytes.get(i + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high * 16 + low);
                i += 3;
            }
            (byte, _, _) => {
                decoded.push(byte);
                i += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

/// Which of the accepted ways named the object and the version, for pointers.
#[derive(Default)]
struct Attributes {
    object: &'static str,
    version: &'static str,
}

impl Place for Attributes {
    fn pointer(&self, field: Field) -> String {
        let object = if self.object.is_empty() { "/subject" } else { self.object };
        match field {
            Field::Id => "/id".to_owned(),
            Field::Type => "/type".to_owned(),
            Field::Source => "/source".to_owned(),
            Field::Time => "/time".to_owned(),
            Field::System => "/system".to_owned(),
            Field::Version if self.version.is_empty() => "/dataschemaversion".to_owned(),
            Field::Version => format!("/{}", self.version),
            Field::ObjectType if object.ends_with("object") => format!("{object}/type"),
            Field::ObjectId if object.ends_with("object") => format!("{object}/id"),
            Field::Object | Field::ObjectType | Field::ObjectId => object.to_owned(),
            Field::Refs => "/data/refs".to_owned(),
            Field::Data => "/data".to_owned(),
        }
    }
}

pub(crate) fn event(mut fields: Map<String, Value>, index: u32, ctx: &Context<'_>) -> Result<Event, Refusal> {
    let (mut claims, mut place) = (Claims::default(), Attributes::default());
    match claim(&mut claims, &mut place, &mut fields, ctx.limits) {
        Ok(()) => admit(claims, &place, index, ctx),
        Err(refusal) => Err(Refusal { hint: hint(&claims), ..refusal.at(index) }),
    }
}

fn claim(
    claims: &mut Claims,
    place: &mut Attributes,
    fields: &mut Map<String, Value>,
    limits: &Limits,
) -> Result<(), Refusal> {
    claims.id = take_text(fields, "id", "/id")?;
    claims.kind = take_text(fields, "type", "/type")?;
    claims.source = take_text(fields, "source", "/source")?;
    claims.system = take_text(fields, "system", "/system")?;
    match take_text(fields, "specversion", "/specversion")?.as_deref() {
        Some("1.0") => {}
        None => return Err(Refusal::new(Code::MissingField, "/specversion", "1.0", "nothing")),
        Some(other) => return Err(Refusal::new(Code::UnsupportedSpecversion, "/specversion", "1.0", other)),
    }
    claims.trace = trace_claim(fields);
    claims.time = take_text(fields, "time", "/time")?.map_or(Moment::None, Moment::Text);
    for name in ["dataschemaversion", "schemaversion", "schema_version"] {
        if let Some(version) = fields.remove(name) {
            place.version = name;
            claims.schema_version = version_claim(Some(version), &format!("/{name}"))?;
        }
    }
    let mut data = data(fields, limits)?;
    let subject = take_text(fields, "subject", "/subject")?;
    if let Some(object) = data.remove("object") {
        place.object = "/data/object";
        object_claim(claims, object, "/data/object")?;
    } else if let Some(object) = fields.remove("object") {
        place.object = "/object";
        object_claim(claims, object, "/object")?;
    } else if let Some(subject) = subject {
        object_claim(claims, Value::String(subject), "/subject")?;
    }
    if let Some(refs) = data.remove("refs") {
        claims.refs = refs_claim(refs, "/data/refs")?;
    }
    claims.data = data;
    Ok(())
}

fn data(fields: &mut Map<String, Value>, limits: &Limits) -> Result<Map<String, Value>, Refusal> {
    let encoded = take_text(fields, "data_base64", "/data_base64")?;
    let data = match (fields.remove("data"), encoded) {
        (None | Some(Value::Null), Some(encoded)) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.as_bytes()).map_err(|e| {
                Refusal::new(Code::InvalidBase64, "/data_base64", "base64", &encoded).because(e.to_string())
            })?;
            let read = json::document(&bytes).and_then(|text| json::value(text, limits));
            read.map_err(|refusal| Refusal { pointer: format!("/data{}", refusal.pointer), ..refusal })?
        }
        (data, _) => data.unwrap_or(Value::Null),
    };
    match data {
        Value::Null => Ok(Map::new()),
        Value::Object(data) => Ok(data),
        other => Err(Refusal::new(Code::WrongType, "/data", "an object", &show(&other))),
    }
}
