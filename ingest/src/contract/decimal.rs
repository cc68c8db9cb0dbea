//! The schema keyword `x-decimal`: a number, or a text that is one, which can be kept exactly with at most
//! so many decimal places. Plain JSON Schema cannot say this of a value that may be either.

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use rust_decimal::Decimal;
use serde_json::{Map, Value};

pub(super) const KEYWORD: &str = "x-decimal";

struct Places(u32);

pub(super) fn keyword<'a>(
    _parent: &'a Map<String, Value>,
    value: &'a Value,
    _path: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    let places = value.as_u64().filter(|p| *p <= 28).and_then(|p| u32::try_from(p).ok());
    let places = places.ok_or_else(|| ValidationError::schema("x-decimal is a number of places, 0 to 28"))?;
    Ok(Box::new(Places(places)))
}

impl<'i> Keyword<'i> for Places {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if Keyword::is_valid(self, instance) {
            return Ok(());
        }
        Err(ValidationError::custom(format!("an exact decimal with at most {} places", self.0)))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        match instance {
            Value::String(text) => fits(text, self.0),
            Value::Number(number) => fits(number.as_str(), self.0),
            // Other types are `type`'s business.
            _ => true,
        }
    }
}

fn fits(text: &str, places: u32) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let plain = !digits.is_empty()
        && digits.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
        && (fraction.is_empty() != text.contains('.'));
    if !plain {
        return false;
    }
    if fraction.trim_end_matches('0').len() > places as usize {
        return false;
    }
    digits.len() + fraction.len() <= 18 || Decimal::from_str_exact(text).is_ok()
}

/// Whether the text is a number at all, however long.
pub(super) fn is_numeric(text: &str) -> bool {
    text.parse::<serde_json::Number>().is_ok()
}
