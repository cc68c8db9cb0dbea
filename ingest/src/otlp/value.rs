//! OTLP attribute values: as text for the columns, as JSON for the data of events.

use base64::Engine as _;
use serde_json::{Map, Number, Value};

use super::wire::{Field, Malformed, Trouble, Wire};
use crate::{Code, Limits, Refusal};

/// An `AnyValue`, its inner messages still unread.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Any<'a> {
    None,
    Text(&'a str),
    Bool(bool),
    Int(i64),
    Double(f64),
    Array(Wire<'a>),
    Map(Wire<'a>),
    Bytes(&'a [u8]),
}

impl<'a> Any<'a> {
    #[inline]
    pub fn read(mut wire: Wire<'a>) -> Result<Self, Malformed> {
        let mut any = Self::None;
        while let Some((number, field)) = wire.next()? {
            any = match number {
                1 => Self::Text(field.text(&wire)?),
                2 => Self::Bool(field.varint(&wire)? != 0),
                3 => Self::Int(field.varint(&wire)?.cast_signed()),
                4 => Self::Double(field.double(&wire)?),
                5 => Self::Array(field.message(&wire)?),
                6 => Self::Map(field.message(&wire)?),
                7 => Self::Bytes(field.message(&wire)?.bytes()),
                _ => any,
            };
        }
        Ok(any)
    }

    /// Texts as they are, numbers in shortest form, bytes in base64, lists and maps as JSON.
    pub fn to_text(self, limits: &Limits) -> Result<String, Trouble> {
        Ok(match self {
            Self::None => String::new(),
            Self::Text(text) => checked(text, limits)?.to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Double(value) => value.to_string(),
            Self::Bytes(bytes) => base64_text(bytes, limits)?,
            Self::Array(_) | Self::Map(_) => self.to_json(limits)?.to_string(),
        })
    }

    pub fn to_json(self, limits: &Limits) -> Result<Value, Trouble> {
        self.to_json_at(limits, 1)
    }

    fn to_json_at(self, limits: &Limits, level: u32) -> Result<Value, Trouble> {
        Ok(match self {
            Self::None => Value::Null,
            Self::Text(text) => Value::String(checked(text, limits)?.to_owned()),
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Number(value.into()),
            Self::Double(value) => double(value),
            Self::Bytes(bytes) => Value::String(base64_text(bytes, limits)?),
            Self::Array(wire) => {
                deeper(limits, level)?;
                array(wire, limits, level)?
            }
            Self::Map(wire) => {
                deeper(limits, level)?;
                map(wire, limits, level)?
            }
        })
    }
}

fn array(mut wire: Wire<'_>, limits: &Limits, level: u32) -> Result<Value, Trouble> {
    let mut items = Vec::new();
    while let Some((number, field)) = wire.next()? {
        if number == 1 {
            items.push(Any::read(field.message(&wire)?)?.to_json_at(limits, level + 1)?);
        }
    }
    Ok(Value::Array(items))
}

fn map(mut wire: Wire<'_>, limits: &Limits, level: u32) -> Result<Value, Trouble> {
    let mut members = Map::new();
    while let Some((number, field)) = wire.next()? {
        if number == 1 {
            let (key, value) = key_value(field.message(&wire)?)?;
            let value = value.to_json_at(limits, level + 1)?;
            if members.insert(name(key, limits)?.to_owned(), value).is_some() {
                return Err(Trouble::Record(Refusal::new(Code::DuplicateKey, "", "each key once", key)));
            }
        }
    }
    Ok(Value::Object(members))
}

/// A `KeyValue`.
#[inline]
pub(crate) fn key_value(mut wire: Wire<'_>) -> Result<(&str, Any<'_>), Malformed> {
    let mut key = "";
    let mut value = Any::None;
    while let Some((number, field)) = wire.next()? {
        match (number, field) {
            (1, field) => key = field.text(&wire)?,
            (2, Field::Bytes(window)) => value = Any::read(window)?,
            (2, field) => value = Any::read(field.message(&wire)?)?,
            _ => {}
        }
    }
    Ok((key, value))
}

pub(crate) fn name<'a>(name: &'a str, limits: &Limits) -> Result<&'a str, Trouble> {
    let limit = limits.name_bytes as usize;
    if name.len() <= limit {
        return Ok(name);
    }
    let found = format!("{} bytes", name.len());
    Err(Trouble::Record(Refusal::new(Code::NameTooLong, "", format!("at most {limit} bytes"), &found)))
}

#[inline]
pub(crate) fn checked<'a>(text: &'a str, limits: &Limits) -> Result<&'a str, Trouble> {
    if text.len() <= limits.value_bytes as usize && !text.as_bytes().contains(&0) {
        return Ok(text);
    }
    Err(Trouble::Record(unfit(text, limits)))
}

fn unfit(text: &str, limits: &Limits) -> Refusal {
    let limit = limits.value_bytes as usize;
    if text.len() > limit {
        let found = format!("{} bytes", text.len());
        return Refusal::new(Code::ValueTooLong, "", format!("at most {limit} bytes"), &found);
    }
    Refusal::new(Code::NulInText, "", "text without U+0000", &text.replace('\0', "\\u0000"))
}

fn base64_text(bytes: &[u8], limits: &Limits) -> Result<String, Trouble> {
    let limit = limits.value_bytes as usize;
    if bytes.len() > limit {
        let found = format!("{} bytes", bytes.len());
        return Err(Trouble::Record(Refusal::new(Code::ValueTooLong, "", format!("at most {limit} bytes"), &found)));
    }
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes))
}

/// NaN and the infinities are no JSON numbers; OTLP/JSON writes them as texts.
fn double(value: f64) -> Value {
    if value.is_nan() {
        return Value::from("NaN");
    }
    match Number::from_f64(value) {
        // 5.0 reads back as 5, the way a sender means a quantity.
        Some(_) if value.fract() == 0.0 && value.abs() < 1e15 => {
            #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
            let whole = value as i64;
            Value::from(whole)
        }
        Some(number) => Value::Number(number),
        None => Value::from(if value > 0.0 { "Infinity" } else { "-Infinity" }),
    }
}

fn deeper(limits: &Limits, level: u32) -> Result<(), Trouble> {
    let limit = limits.levels();
    if level <= limit {
        return Ok(());
    }
    Err(Trouble::Record(Refusal::new(Code::TooDeep, "", format!("at most {limit} levels"), "more")))
}
