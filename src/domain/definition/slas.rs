//! SLAs of a definition: between which milestones a clock runs, how long, when it warns, what stops it.

use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde::Deserialize;
use toml::Spanned;

use super::milestones::MilestoneRule;
use super::reader::Reader;

#[derive(Clone, Debug)]
pub struct SlaRule {
    pub key: String,
    pub title: String,
    /// Indexes into `milestones`.
    pub from: usize,
    pub to: usize,
    pub limit: Limit,
    /// Share of the time after which it is at risk.
    pub warn: Decimal,
    /// Exception kinds that stop the clock while they are open.
    pub pauses: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    Within(TimeDelta),
    /// Field of the root that holds the due time: `promised_ship` or `promised_delivery`.
    Promise(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    key: Spanned<String>,
    title: String,
    from: Spanned<String>,
    to: Spanned<String>,
    within: Option<Spanned<String>>,
    promise: Option<Spanned<String>>,
    warn: Option<Spanned<String>>,
    #[serde(default)]
    pauses: Vec<String>,
}

/// Fields of a root that a promise may name.
const PROMISES: [&str; 2] = ["promised_ship", "promised_delivery"];

/// Reads the SLAs; one that does not make sense is told and left out.
pub fn read(entries: &[Entry], milestones: &[MilestoneRule], reader: &mut Reader<'_>) -> Vec<SlaRule> {
    let index = |name: &Spanned<String>| milestones.iter().position(|m| m.key == *name.get_ref());
    let mut slas: Vec<SlaRule> = Vec::new();
    for s in entries {
        let (from, to) = match (index(&s.from), index(&s.to)) {
            (Some(from), Some(to)) => (from, to),
            (None, _) => {
                reader.fault(s.from.span().start, format!("no milestone `{}`", s.from.get_ref()));
                continue;
            }
            _ => {
                reader.fault(s.to.span().start, format!("no milestone `{}`", s.to.get_ref()));
                continue;
            }
        };
        let limit = match (&s.within, &s.promise) {
            (Some(within), None) => match duration(within.get_ref()) {
                Some(time) => Limit::Within(time),
                None => {
                    reader.fault(
                        within.span().start,
                        format!("`{}` is no duration: expected for example `30m`, `4h` or `1d 12h`", within.get_ref()),
                    );
                    continue;
                }
            },
            (None, Some(promise)) if PROMISES.contains(&promise.get_ref().as_str()) => {
                Limit::Promise(promise.get_ref().clone())
            }
            (None, Some(promise)) => {
                reader.fault(promise.span().start, format!("expected one of {}", PROMISES.join(", ")));
                continue;
            }
            _ => {
                reader.fault(s.key.span().start, "an SLA has either `within` or `promise`".to_owned());
                continue;
            }
        };
        let warn = match &s.warn {
            None => Decimal::new(75, 2),
            Some(text) => match text.get_ref().parse::<Decimal>() {
                Ok(share) if share > Decimal::ZERO && share <= Decimal::ONE => share,
                _ => {
                    reader.fault(text.span().start, "expected a share between 0 and 1".to_owned());
                    continue;
                }
            },
        };
        if slas.iter().any(|other| other.key == *s.key.get_ref()) {
            reader.fault(s.key.span().start, format!("SLA `{}` stands here twice", s.key.get_ref()));
        }
        let key = s.key.get_ref().clone();
        slas.push(SlaRule { key, title: s.title.clone(), from, to, limit, warn, pauses: s.pauses.clone() });
    }

    slas
}

/// `1d 4h`, `30m`, `45s`. None for anything else, zero included.
pub fn duration(text: &str) -> Option<TimeDelta> {
    let mut total = TimeDelta::zero();
    for part in text.split_whitespace() {
        let digits = part.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: i64 = digits.parse().ok()?;
        let seconds = match &part[digits.len()..] {
            "d" => 86_400,
            "h" => 3_600,
            "m" => 60,
            "s" => 1,
            _ => return None,
        };
        total = total.checked_add(&TimeDelta::try_seconds(number.checked_mul(seconds)?)?)?;
    }
    (total > TimeDelta::zero()).then_some(total)
}
