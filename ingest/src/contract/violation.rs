//! From a schema's complaint to a refusal's words: code, place, expected, found.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::decimal;
use crate::{Code, time};

/// The first thing that is wrong with an event's data.
#[derive(Debug)]
pub(crate) struct Violation {
    pub code: Code,
    /// JSON pointer inside the data.
    pub pointer: String,
    pub expected: String,
    pub found: String,
    /// How many more complaints there are.
    pub others: usize,
}

pub(super) fn first(validator: &Validator, data: &Value) -> Violation {
    let mut errors = validator.iter_errors(data);
    let mut violation = errors.next().as_ref().map_or_else(unexplained, explain);
    violation.others = errors.count();
    violation
}

fn unexplained() -> Violation {
    let (code, text) = (Code::ContractViolation, String::new);
    Violation { code, pointer: text(), expected: text(), found: text(), others: 0 }
}

fn explain(error: &ValidationError<'_>) -> Violation {
    let mut pointer = error.instance_path().as_str().to_owned();
    let mut found = crate::refusal::show(error.instance());
    let (code, expected) = match error.kind() {
        ValidationErrorKind::Required { property } => {
            found = "nothing".to_owned();
            pointer = join(&pointer, property);
            (Code::MissingField, property.as_str().unwrap_or_default().to_owned())
        }
        ValidationErrorKind::AnyOf { context } => {
            let wanted: Vec<&Value> = context.iter().flatten().filter_map(required).collect();
            match wanted.first() {
                Some(property) if wanted.len() == context.len() => {
                    found = "nothing".to_owned();
                    pointer = join(&pointer, property);
                    (Code::MissingField, alternatives(wanted.into_iter()))
                }
                _ => (Code::ContractViolation, error.to_string()),
            }
        }
        ValidationErrorKind::Type { kind } => (Code::WrongType, types(kind)),
        ValidationErrorKind::Enum { options } => {
            (Code::NotInList, options.as_array().map_or_else(String::new, |list| alternatives(list.iter())))
        }
        ValidationErrorKind::Constant { expected_value } => (Code::NotInList, expected_value.to_string()),
        ValidationErrorKind::Pattern { pattern } => (Code::WrongFormat, format!("a text like {pattern}")),
        ValidationErrorKind::Format { format } if format == "date-time" => {
            let code = error.instance().as_str().and_then(|text| time::parse(text).err());
            (code.unwrap_or(Code::InvalidTime), time::EXPECTED.to_owned())
        }
        ValidationErrorKind::Format { format } => (Code::WrongFormat, format.clone()),
        ValidationErrorKind::Custom { keyword, message } if keyword == decimal::KEYWORD => {
            let numeric = match error.instance().as_ref() {
                Value::String(text) => decimal::is_numeric(text),
                _ => true,
            };
            (if numeric { Code::InexactNumber } else { Code::WrongFormat }, message.clone())
        }
        ValidationErrorKind::MinLength { limit } => (Code::OutOfRange, format!("at least {limit} characters")),
        ValidationErrorKind::MaxLength { limit } => (Code::OutOfRange, format!("at most {limit} characters")),
        ValidationErrorKind::MinItems { limit } => (Code::OutOfRange, format!("at least {limit} items")),
        ValidationErrorKind::MaxItems { limit } => (Code::OutOfRange, format!("at most {limit} items")),
        ValidationErrorKind::MinProperties { limit } => (Code::OutOfRange, format!("at least {limit} fields")),
        ValidationErrorKind::MaxProperties { limit } => (Code::OutOfRange, format!("at most {limit} fields")),
        ValidationErrorKind::Minimum { limit } => (Code::OutOfRange, format!("at least {limit}")),
        ValidationErrorKind::Maximum { limit } => (Code::OutOfRange, format!("at most {limit}")),
        ValidationErrorKind::ExclusiveMinimum { limit } => (Code::OutOfRange, format!("more than {limit}")),
        ValidationErrorKind::ExclusiveMaximum { limit } => (Code::OutOfRange, format!("less than {limit}")),
        _ => (Code::ContractViolation, error.to_string()),
    };
    Violation { code, pointer, expected, found, others: 0 }
}

fn required<'e>(error: &'e ValidationError<'static>) -> Option<&'e Value> {
    match error.kind() {
        ValidationErrorKind::Required { property } => Some(property),
        _ => None,
    }
}

fn join(pointer: &str, property: &Value) -> String {
    let mut longer = pointer.to_owned();
    crate::refusal::push_segment(&mut longer, property.as_str().unwrap_or_default());
    longer
}

fn alternatives<'v>(values: impl Iterator<Item = &'v Value>) -> String {
    let words: Vec<String> = values.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).take(20).collect();
    words.join(" or ")
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(set) => set.iter().map(|t| t.to_string()).collect::<Vec<_>>().join(" or "),
    }
}
