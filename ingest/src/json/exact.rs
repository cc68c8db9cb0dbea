//! JSON values to the letter: numbers keep their digits, and what other readers pass over in silence is a flaw
//! (a key twice, too deep, too long, U+0000). A flaw spoils one record, not the payload, so reading goes on.

use std::borrow::Cow;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::refusal::push_segment;
use crate::{Code, Limits, Refusal};

/// The name under which serde_json hands over a number whose digits are kept.
const NUMBER: &str = "$serde_json::private::Number";

/// The first thing that is wrong with a record. Its path grows from the inside out as the reader returns,
/// which costs sound records nothing.
#[derive(Debug, Default)]
pub(crate) struct Flaw {
    what: Option<(Code, String, String)>,
    /// Segments from the innermost, and the level of the value that the path begins in now.
    path: Vec<String>,
    level: u32,
}

impl Flaw {
    pub fn into_refusal(self) -> Option<Refusal> {
        let (code, expected, found) = self.what?;
        let mut pointer = String::new();
        self.path.iter().rev().for_each(|segment| push_segment(&mut pointer, segment));
        Some(Refusal::new(code, pointer, expected, &found))
    }

    fn note(&mut self, level: u32, code: Code, expected: String, found: &str) -> bool {
        if self.what.is_none() {
            self.what = Some((code, expected, crate::refusal::cut(found)));
            self.level = level;
            return true;
        }
        false
    }

    /// Called by a value of `level` after each of its children.
    fn rise(&mut self, level: u32, segment: impl FnOnce() -> String) {
        if self.what.is_some() && self.level == level + 1 {
            self.path.push(segment());
            self.level = level;
        }
    }
}

/// Reads one value of a payload.
pub(crate) struct Record<'r> {
    limits: &'r Limits,
    flaw: &'r mut Flaw,
    level: u32,
}

impl<'r> Record<'r> {
    pub fn new(limits: &'r Limits, flaw: &'r mut Flaw) -> Self {
        Self { limits, flaw, level: 0 }
    }

    fn child(&mut self) -> Record<'_> {
        Record { limits: self.limits, flaw: self.flaw, level: self.level + 1 }
    }

    fn text(&mut self, text: &str) {
        let limit = self.limits.value_bytes as usize;
        if text.len() > limit {
            let found = format!("{} bytes", text.len());
            self.flaw.note(self.level, Code::ValueTooLong, format!("at most {limit} bytes"), &found);
        }
        if text.as_bytes().contains(&0) {
            self.flaw.note(
                self.level,
                Code::NulInText,
                "text without U+0000".to_owned(),
                &text.replace('\0', "\\u0000"),
            );
        }
    }

    fn name(&mut self, name: &str) {
        let limit = self.limits.name_bytes as usize;
        if name.len() > limit {
            let found = format!("{} bytes", name.len());
            self.flaw.note(self.level, Code::NameTooLong, format!("at most {limit} bytes"), &found);
        }
        if name.as_bytes().contains(&0) {
            let found = name.replace('\0', "\\u0000");
            self.flaw.note(self.level, Code::NulInText, "a name without U+0000".to_owned(), &found);
        }
    }

    fn twice(&mut self, name: &str) {
        if self.flaw.note(self.level, Code::DuplicateKey, "each key once".to_owned(), &format!("{name} twice")) {
            self.flaw.path.push(name.to_owned());
        }
    }

    /// True when this array or object lies too deep to be looked into.
    fn is_too_deep(&mut self) -> bool {
        let limit = self.limits.levels();
        let deep = self.level >= limit;
        if deep {
            self.flaw.note(self.level, Code::TooDeep, format!("at most {limit} levels"), "more");
        }
        deep
    }

    fn number(&mut self, text: String) -> Value {
        let limit = self.limits.name_bytes as usize;
        if text.len() > limit {
            let found = format!("a number of {} digits", text.len());
            self.flaw.note(self.level, Code::ValueTooLong, format!("at most {limit} digits"), &found);
            return Value::Null;
        }
        let text = written_out(&text).unwrap_or(text);
        text.parse::<Number>().map_or_else(
            |_| {
                self.flaw.note(self.level, Code::InvalidJson, "a number".to_owned(), &text);
                Value::Null
            },
            Value::Number,
        )
    }
}

impl<'de> DeserializeSeed<'de> for Record<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Record<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: Error>(mut self, text: String) -> Result<Value, E> {
        self.text(&text);
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Value, A::Error> {
        if self.is_too_deep() {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.child())? {
            self.flaw.rise(self.level, || items.len().to_string());
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        let Some(first) = map.next_key_seed(Name)? else {
            self.is_too_deep();
            return Ok(Value::Object(Map::new()));
        };
        if first == NUMBER {
            return map.next_value::<String>().map(|text| self.number(text));
        }
        if self.is_too_deep() {
            map.next_value::<IgnoredAny>()?;
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        let mut members = Map::new();
        let mut next = Some(first);
        while let Some(name) = next {
            self.name(&name);
            let value = map.next_value_seed(self.child())?;
            self.flaw.rise(self.level, || name.to_string());
            match members.entry(name) {
                Entry::Vacant(free) => drop(free.insert(value)),
                Entry::Occupied(there) => self.twice(there.key()),
            }
            next = map.next_key_seed(Name)?;
        }
        Ok(Value::Object(members))
    }
}

/// A member's name, borrowed where the text has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }
}

/// `1.5E+2` is `150`: the same number without an exponent, so that every later reader sees plain digits.
/// None when there is no exponent, or the digits would be too many to mean a quantity.
fn written_out(text: &str) -> Option<String> {
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    if !(-30..=30).contains(&point) || whole.len() + fraction.len() > 60 {
        return None;
    }
    let mut digits = format!("{whole}{fraction}");
    let mut point = point;
    while point <= 0 {
        digits.insert(0, '0');
        point += 1;
    }
    let point = usize::try_from(point).ok()?;
    while digits.len() < point {
        digits.push('0');
    }
    let (whole, fraction) = digits.split_at(point);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.trim_end_matches('0');
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponent_is_written_out_without_changing_the_number() {
        let cases = [
            ("1e2", Some("100")),
            ("1.5E+2", Some("150")),
            ("-2.50e-3", Some("-0.0025")),
            ("0e0", Some("0")),
            ("12", None),
            ("1e400", None),
        ];
        for (text, expected) in cases {
            assert_eq!(written_out(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn digits_are_kept_however_many() {
        let limits = Limits::default();
        let cases = [
            ("9007199254740993", "9007199254740993"),
            ("0.1000000000000000000000000000000000000001", "0.1000000000000000000000000000000000000001"),
            ("-0", "-0"),
            ("1.10", "1.10"),
            ("1.5e3", "1500"),
            // Beyond any quantity: left as it is, and the contract refuses it.
            ("1e400", "1e+400"),
        ];
        for (text, expected) in cases {
            assert_eq!(crate::json::value(text, &limits).map(|v| v.to_string()), Ok(expected.to_owned()));
        }
    }
}
