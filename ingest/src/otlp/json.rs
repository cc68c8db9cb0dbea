//! OTLP/JSON into the wire format, so that one walk serves both. Reads what real senders write besides the letter of
//! the specification: `null` for nothing, numbers as texts, whole numbers as floats, base64 of any kind, snake_case.
//! Not taken: opentelemetry-proto's serde with a second, rewriting try. It says no place for a fault, refuses numeric
//! int64s once `arbitrary_precision` is on, and would be a second path beside this one. A test holds the two together.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use super::schema::{self, Column, Kind};
use crate::refusal::show;
use crate::{Code, Limits, Refusal};

/// An `ExportTraceServiceRequest` in JSON as its protobuf bytes.
pub fn traces_json_to_protobuf(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    transcode(body, &schema::TRACES)
}

/// An `ExportLogsServiceRequest` in JSON as its protobuf bytes.
pub fn logs_json_to_protobuf(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    transcode(body, &schema::LOGS)
}

/// An `ExportMetricsServiceRequest` in JSON as its protobuf bytes.
pub fn metrics_json_to_protobuf(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    transcode(body, &schema::METRICS)
}

fn transcode(body: &[u8], columns: &'static [Column]) -> Result<Vec<u8>, Refusal> {
    // The limits of records are the walk's business; here only the nesting of the text is bounded.
    let limits = Limits { depth: 100, value_bytes: u32::MAX, name_bytes: u32::MAX, ..Limits::default() };
    let text = crate::json::document(body)?;
    let value = match crate::json::value(text, &limits) {
        // U+0000 in a text is one record's fault, and the walk will say so.
        Err(refusal) if refusal.code == Code::NulInText.as_str() => serde_json::from_str(text).map_err(|_| refusal)?,
        read => read?,
    };
    let Value::Object(members) = value else {
        return Err(Refusal::new(Code::WrongType, "", "an OTLP export request, an object", &show(&value)));
    };
    let mut out = Vec::with_capacity(body.len() / 2);
    message(&members, columns, &mut out, &mut Vec::new())?;
    Ok(out)
}

/// The way to the value at hand; its text is made when there is a fault.
type Path<'v> = Vec<Step<'v>>;

#[derive(Clone, Copy)]
enum Step<'v> {
    Name(&'v str),
    Item(usize),
}

fn message<'v>(
    members: &'v Map<String, Value>,
    columns: &'static [Column],
    out: &mut Vec<u8>,
    path: &mut Path<'v>,
) -> Result<(), Refusal> {
    for (name, value) in members {
        let Some(column) = columns.iter().find(|c| is_name(c.name, name)) else { continue };
        path.push(Step::Name(name));
        match value {
            Value::Null => {}
            Value::Array(items) if column.is_list => {
                for (i, item) in items.iter().enumerate() {
                    path.push(Step::Item(i));
                    element(item, column, out, path)?;
                    path.pop();
                }
            }
            _ if column.is_list => return Err(wrong(path, "a list", value)),
            _ => field(value, column, out, path)?,
        }
        path.pop();
    }
    Ok(())
}

/// `traceId` also as `trace_id`.
fn is_name(name: &str, found: &str) -> bool {
    if name == found {
        return true;
    }
    let mut wanted = name.bytes();
    let mut found = found.bytes();
    loop {
        match (found.next(), wanted.next()) {
            (None, None) => return true,
            (Some(b'_'), Some(upper)) if upper.is_ascii_uppercase() => {
                if found.next() != Some(upper.to_ascii_lowercase()) {
                    return false;
                }
            }
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

/// `null` in a list of values keeps its place; in other lists it is nothing.
fn element<'v>(item: &'v Value, column: &Column, out: &mut Vec<u8>, path: &mut Path<'v>) -> Result<(), Refusal> {
    match (item, column.kind) {
        (Value::Null, Kind::Message(columns)) if std::ptr::eq(columns, schema::ANY_VALUE.as_slice()) => {
            tag(out, column.number, 2);
            out.push(0);
            Ok(())
        }
        (Value::Null, _) => Ok(()),
        _ => field(item, column, out, path),
    }
}

fn field<'v>(value: &'v Value, column: &Column, out: &mut Vec<u8>, path: &mut Path<'v>) -> Result<(), Refusal> {
    match column.kind {
        Kind::Message(columns) => {
            let Value::Object(members) = value else { return Err(wrong(path, "an object", value)) };
            tag(out, column.number, 2);
            let start = out.len();
            message(members, columns, out, path)?;
            let mut length = Vec::with_capacity(5);
            varint(&mut length, (out.len() - start) as u64);
            out.splice(start..start, length);
        }
        Kind::Text => {
            let Value::String(text) = value else { return Err(wrong(path, "a text", value)) };
            bytes(out, column.number, text.as_bytes());
        }
        Kind::Hex => {
            let Value::String(text) = value else { return Err(wrong(path, "a hexadecimal text", value)) };
            // Some exporters wrote ids as base64, as protobuf's own JSON mapping would.
            let decoded = hex::decode(text).ok().or_else(|| base64(text).filter(|b| matches!(b.len(), 8 | 16)));
            let decoded = decoded.ok_or_else(|| fault(Code::WrongFormat, path, "a hexadecimal text", value))?;
            bytes(out, column.number, &decoded);
        }
        Kind::Bytes => {
            let Value::String(text) = value else { return Err(wrong(path, "a base64 text", value)) };
            let decoded = base64(text).ok_or_else(|| fault(Code::InvalidBase64, path, "a base64 text", value))?;
            bytes(out, column.number, &decoded);
        }
        Kind::Bool => {
            let on = match value {
                Value::Bool(on) => *on,
                Value::String(text) if text == "true" => true,
                Value::String(text) if text == "false" => false,
                _ => return Err(wrong(path, "true or false", value)),
            };
            tag(out, column.number, 0);
            varint(out, on.into());
        }
        Kind::Int => {
            let number = integer(value).ok_or_else(|| wrong(path, "a whole number", value))?;
            tag(out, column.number, 0);
            varint(out, number);
        }
        Kind::Zigzag => {
            let number = integer(value).ok_or_else(|| wrong(path, "a whole number", value))?.cast_signed();
            tag(out, column.number, 0);
            varint(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
        }
        Kind::Fixed64 => {
            let number = integer(value).ok_or_else(|| wrong(path, "a whole number", value))?;
            tag(out, column.number, 1);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Kind::Fixed32 => {
            let number = integer(value).and_then(|n| u32::try_from(n).ok());
            let number = number.ok_or_else(|| wrong(path, "a whole number of 32 bits", value))?;
            tag(out, column.number, 5);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Kind::Double => {
            let number = double(value).ok_or_else(|| wrong(path, "a number", value))?;
            tag(out, column.number, 1);
            out.extend_from_slice(&number.to_bits().to_le_bytes());
        }
    }
    Ok(())
}

/// 64 bits, signed or not, as number or text; a float only when it is whole.
fn integer(value: &Value) -> Option<u64> {
    let text = match value {
        Value::Number(number) => number.as_str(),
        Value::String(text) => text,
        _ => return None,
    };
    if let Ok(number) = text.parse::<u64>() {
        return Some(number);
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.cast_unsigned());
    }
    let (whole, fraction) = text.split_once('.')?;
    let is_whole = !fraction.is_empty() && fraction.bytes().all(|b| b == b'0');
    is_whole.then(|| whole.parse::<i64>().ok().map(i64::cast_unsigned)).flatten()
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_str().parse().ok(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => text.parse::<f64>().ok().filter(|number| number.is_finite()),
        },
        _ => None,
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    const ANY: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, ANY).decode(text).ok()
}

fn tag(out: &mut Vec<u8>, number: u32, wire_type: u32) {
    varint(out, u64::from(number << 3 | wire_type));
}

fn bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    tag(out, number, 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn wrong(path: &Path<'_>, expected: &str, found: &Value) -> Refusal {
    fault(Code::WrongType, path, expected, found)
}

fn fault(code: Code, path: &Path<'_>, expected: &str, found: &Value) -> Refusal {
    let mut pointer = String::new();
    for step in path {
        match step {
            Step::Name(name) => crate::refusal::push_segment(&mut pointer, name),
            Step::Item(i) => crate::refusal::push_segment(&mut pointer, &i.to_string()),
        }
    }
    Refusal::new(code, pointer, expected, &show(found))
}
