//! What stands in a cell, and how each kind of file says it. Numbers keep every digit; a text cannot become a formula.

use rust_decimal::Decimal;

use crate::pages::time::Clock;

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    Number(Decimal),
    /// Money without its currency, scaled by 10^6.
    Amount(i128),
    /// Unix milliseconds UTC.
    Time(i64),
    Empty,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<u64> for Cell {
    fn from(n: u64) -> Self {
        Self::Number(n.into())
    }
}

impl Cell {
    pub fn amount(value: Option<i128>) -> Self {
        value.map_or(Self::Empty, Self::Amount)
    }

    pub fn time(ms: Option<i64>) -> Self {
        ms.map_or(Self::Empty, Self::Time)
    }

    /// As exact text; times with the offset of the reader's zone.
    pub fn text(&self, clock: &Clock) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(value) => value.normalize().to_string(),
            Self::Amount(value) => amount(*value),
            Self::Time(ms) => clock.stamp(*ms),
            Self::Empty => String::new(),
        }
    }
}

/// Money scaled by 10^6 with all its digits, two at least behind the point: `412300.00`, `-0.125`.
pub fn amount(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = value.unsigned_abs();
    let part = format!("{:06}", digits % 1_000_000);
    let kept = part.trim_end_matches('0').len().max(2);
    format!("{sign}{}.{}", digits / 1_000_000, &part[..kept])
}

/// Programs that open a table take these for the beginning of a formula, some of them also in their wide forms.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Does a text need an apostrophe in front of it? A plain number does not.
pub fn is_risky(text: &str) -> bool {
    text.starts_with(FORMULA) && !is_number(text)
}

/// `-12.50`, and nothing that has more to it.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all(whole) && all(part)
}

/// Spreadsheets count in doubles and show 15 digits. A number that has no more than that comes back as it was.
pub fn exact(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches('-').replace('.', "");
    let significant = digits.trim_start_matches('0');
    (is_number(text) && significant.len() <= 15).then(|| text.parse().ok()).flatten()
}
