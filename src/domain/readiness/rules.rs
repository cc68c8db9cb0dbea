//! `readiness.toml`: when something may be billed, and by how much figures may differ. A file that does not make sense
//! is refused with its place.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::Deserialize;
use toml::Spanned;

use super::cutoff::CutOff;
use super::language::Question;
use crate::domain::{DefinitionError, Money};

/// The file, within the folder of definitions and within each tenant's.
pub const FILE: &str = "readiness.toml";

#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    pub version: u32,
    /// Of customers that have no entry.
    pub policy: Policy,
    pub tolerance: Tolerance,
    pub freight: Tolerance,
    /// Freight is to be accrued when a load was delivered.
    pub accrues_freight: bool,
    pub customers: Vec<(String, Policy)>,
    pub carriers: Vec<(String, Tolerance)>,
    pub own: Vec<OwnRule>,
    /// Built-in rules that are told otherwise.
    pub changed: Vec<Changed>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// None: what the order says, else on completion.
    pub bill: Option<Billing>,
    pub after: After,
    pub proof: Proof,
    pub charges: Charges,
    pub price: Price,
    pub tax: Tax,
    pub minimum: Vec<Money>,
    pub cut_off: Option<CutOff>,
    /// Why nothing is billed to the customer at all.
    pub block: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billing {
    /// One invoice when everything has shipped or was cancelled.
    Complete,
    PerShipment,
    /// As complete; what left in part waits for a person's word.
    Hold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    Shipped,
    Delivered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    Always,
    Never,
    /// Where the order asks for it.
    WhenAsked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charges {
    Final,
    Approved,
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Price {
    Given,
    Validated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tax {
    Ignored,
    Determined,
}

/// How far a figure may be from what was expected: it must be inside every limit that is given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tolerance {
    pub percent: Option<Decimal>,
    pub amounts: Vec<Money>,
    /// Per cent of a line's quantity.
    pub quantity: Decimal,
}

/// A rule of the user's own.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnRule {
    pub key: String,
    pub title: String,
    pub system: String,
    pub next_step: String,
    pub detail: String,
    pub applies: Option<Question>,
    pub passes: Question,
    pub blocks: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    pub key: String,
    pub off: bool,
    pub title: Option<String>,
    pub system: Option<String>,
    pub next_step: Option<String>,
}

impl Policy {
    pub fn needs_delivery(&self) -> bool {
        self.after == After::Delivered
    }
}

impl Billing {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::PerShipment => "per_shipment",
            Self::Hold => "hold",
        }
    }

    /// As orders write it.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Complete, Self::PerShipment, Self::Hold].into_iter().find(|b| b.as_str() == text)
    }
}

impl Tolerance {
    /// Whether a figure is near enough to what was expected. Without any limit only the same figure is.
    pub fn allows(&self, expected: Decimal, found: Decimal, currency: &str) -> bool {
        let off = (found - expected).abs();
        if off.is_zero() {
            return true;
        }
        let amount = self.amounts.iter().find(|m| m.currency == currency).map(|m| m.value);
        if self.percent.is_none() && amount.is_none() {
            return false;
        }
        // Multiplied, so that nothing is rounded.
        let share = self.percent.map(|p| (expected.abs().checked_mul(p), off.checked_mul(Decimal::ONE_HUNDRED)));
        let by_share = share.is_none_or(|(limit, off)| limit.zip(off).is_some_and(|(limit, off)| off <= limit));
        by_share && amount.is_none_or(|limit| off <= limit)
    }

    pub fn allows_quantity(&self, expected: Decimal, found: Decimal) -> bool {
        let (off, limit) = ((found - expected).abs(), expected.abs().checked_mul(self.quantity));
        limit.zip(off.checked_mul(Decimal::ONE_HUNDRED)).is_some_and(|(limit, off)| off <= limit)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            bill: None,
            after: After::Delivered,
            proof: Proof::WhenAsked,
            charges: Charges::Final,
            price: Price::Given,
            tax: Tax::Ignored,
            minimum: Vec::new(),
            cut_off: None,
            block: None,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            version: 1,
            policy: Policy::default(),
            tolerance: Tolerance::default(),
            freight: Tolerance { percent: Some(Decimal::TWO), ..Tolerance::default() },
            accrues_freight: false,
            customers: Vec::new(),
            carriers: Vec::new(),
            own: Vec::new(),
            changed: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    policy: PolicyEntry,
    #[serde(default)]
    tolerance: ToleranceEntry,
    freight: Option<ToleranceEntry>,
    #[serde(default)]
    customers: Vec<PolicyEntry>,
    #[serde(default)]
    carriers: Vec<ToleranceEntry>,
    #[serde(default)]
    rules: Vec<RuleEntry>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyEntry {
    key: Option<Spanned<String>>,
    bill: Option<Billing>,
    after: Option<After>,
    proof: Option<Proof>,
    charges: Option<Charges>,
    price: Option<Price>,
    tax: Option<Tax>,
    minimum: Option<Vec<Spanned<String>>>,
    cut_off: Option<Spanned<String>>,
    block: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToleranceEntry {
    key: Option<Spanned<String>>,
    percent: Option<Spanned<String>>,
    #[serde(default)]
    amounts: Vec<Spanned<String>>,
    quantity: Option<Spanned<String>>,
    accrue: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    key: Spanned<String>,
    title: Option<String>,
    system: Option<String>,
    next_step: Option<String>,
    detail: Option<String>,
    applies: Option<Spanned<String>>,
    passes: Option<Spanned<String>>,
    otherwise: Option<Otherwise>,
    #[serde(default)]
    off: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Otherwise {
    Blocks,
    Waits,
}

/// Collects what is wrong in one file.
struct Reader<'f> {
    file: &'f str,
    text: &'f str,
    errors: Vec<DefinitionError>,
}

impl Rules {
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<DefinitionError>> {
        let mut reader = Reader { file, text, errors: Vec::new() };
        let read: File = match toml::from_str(text) {
            Ok(read) => read,
            Err(error) => {
                reader.wrong(error.span().map_or(0, |s| s.start), error.message().trim().to_owned());
                return Err(reader.errors);
            }
        };
        let policy = reader.policy(&read.policy, &Policy::default());
        let tolerance = reader.tolerance(&read.tolerance);
        let freight = read.freight.as_ref().map_or_else(|| Self::default().freight, |f| reader.tolerance(f));
        let mut customers = Vec::new();
        for entry in &read.customers {
            let Some(key) = reader.key(entry.key.as_ref(), customers.iter().map(|(k, _): &(String, _)| k), "customer")
            else {
                continue;
            };
            let own = reader.policy(entry, &policy);
            customers.push((key, own));
        }
        let mut carriers = Vec::new();
        let misplaced = read.carriers.iter().chain([&read.tolerance]).filter_map(|e| e.accrue.as_ref());
        for accrue in misplaced {
            reader.wrong(accrue.span().start, "`accrue` belongs to [freight]".to_owned());
        }
        for entry in &read.carriers {
            let Some(key) = reader.key(entry.key.as_ref(), carriers.iter().map(|(k, _): &(String, _)| k), "carrier")
            else {
                continue;
            };
            let own = reader.tolerance(entry);
            carriers.push((key, own));
        }
        let (mut own, mut changed) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for entry in read.rules {
            if !seen.insert(entry.key.get_ref().clone()) {
                reader.wrong(entry.key.span().start, format!("rule `{}` stands here twice", entry.key.get_ref()));
            }
            reader.rule(entry, &mut own, &mut changed);
        }
        if !reader.errors.is_empty() {
            return Err(reader.errors);
        }
        let accrues_freight = read.freight.as_ref().and_then(|f| f.accrue.as_ref()).is_some_and(|a| *a.get_ref());
        Ok(Self {
            accrues_freight,
            version: read.version,
            policy,
            tolerance,
            freight,
            customers,
            carriers,
            own,
            changed,
        })
    }

    /// The customer's entry, else what holds for all.
    pub fn policy_of(&self, customer: &str) -> &Policy {
        self.customers.iter().find(|(key, _)| key == customer).map_or(&self.policy, |(_, policy)| policy)
    }

    pub fn freight_of(&self, carrier: &str) -> &Tolerance {
        self.carriers.iter().find(|(key, _)| key == carrier).map_or(&self.freight, |(_, tolerance)| tolerance)
    }
}

impl Reader<'_> {
    fn wrong(&mut self, offset: usize, what: String) {
        let before = &self.text[..offset.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        self.errors.push(DefinitionError { file: self.file.to_owned(), line, column, what });
    }

    fn key<'k>(
        &mut self,
        key: Option<&Spanned<String>>,
        mut others: impl Iterator<Item = &'k String>,
        what: &str,
    ) -> Option<String> {
        let Some(key) = key else {
            self.wrong(0, format!("a {what} has a `key`: its name as orders say it"));
            return None;
        };
        if others.any(|other| other == key.get_ref()) {
            self.wrong(key.span().start, format!("{what} `{}` stands here twice", key.get_ref()));
            return None;
        }
        Some(key.get_ref().clone())
    }

    fn policy(&mut self, entry: &PolicyEntry, base: &Policy) -> Policy {
        let minimum = entry.minimum.as_ref().map(|all| self.amounts(all));
        let cut_off = entry.cut_off.as_ref().and_then(|text| match CutOff::parse(text.get_ref()) {
            Ok(cut_off) => cut_off,
            Err(what) => {
                self.wrong(text.span().start, what);
                None
            }
        });
        Policy {
            bill: entry.bill.or(base.bill),
            after: entry.after.unwrap_or(base.after),
            proof: entry.proof.unwrap_or(base.proof),
            charges: entry.charges.unwrap_or(base.charges),
            price: entry.price.unwrap_or(base.price),
            tax: entry.tax.unwrap_or(base.tax),
            minimum: minimum.unwrap_or_else(|| base.minimum.clone()),
            cut_off: if entry.cut_off.is_some() { cut_off } else { base.cut_off.clone() },
            block: entry.block.clone().or_else(|| base.block.clone()).filter(|b| !b.is_empty()),
        }
    }

    fn tolerance(&mut self, entry: &ToleranceEntry) -> Tolerance {
        Tolerance {
            percent: entry.percent.as_ref().and_then(|text| self.share(text)),
            amounts: self.amounts(&entry.amounts),
            quantity: entry.quantity.as_ref().and_then(|text| self.share(text)).unwrap_or_default(),
        }
    }

    /// Per cent, as text so that it is exact.
    fn share(&mut self, text: &Spanned<String>) -> Option<Decimal> {
        match Decimal::from_str_exact(text.get_ref()) {
            Ok(percent) if percent >= Decimal::ZERO && percent <= Decimal::ONE_HUNDRED => Some(percent),
            _ => {
                self.wrong(text.span().start, format!("`{}` is no per cent from 0 to 100", text.get_ref()));
                None
            }
        }
    }

    /// `"50.00 EUR"`, one for each currency.
    fn amounts(&mut self, all: &[Spanned<String>]) -> Vec<Money> {
        let mut amounts: Vec<Money> = Vec::new();
        for text in all {
            match amount(text.get_ref()) {
                Some(money) if amounts.iter().any(|m| m.currency == money.currency) => {
                    self.wrong(text.span().start, format!("{} stands here twice", money.currency));
                }
                Some(money) => amounts.push(money),
                None => {
                    let what = format!("`{}` is no amount: expected for example `50.00 EUR`", text.get_ref());
                    self.wrong(text.span().start, what);
                }
            }
        }
        amounts
    }

    fn rule(&mut self, entry: RuleEntry, own: &mut Vec<OwnRule>, changed: &mut Vec<Changed>) {
        let (place, key) = (entry.key.span().start, entry.key.into_inner());
        let is_built_in = super::checks::BUILT_IN.iter().any(|b| b.key == key);
        if is_built_in {
            if entry.passes.is_some() || entry.applies.is_some() || entry.otherwise.is_some() || entry.detail.is_some()
            {
                let what = format!("`{key}` is built in: only `title`, `system`, `next_step` and `off` can be set");
                return self.wrong(place, what);
            }
            let RuleEntry { off, title, system, next_step, .. } = entry;
            changed.push(Changed { key, off, title, system, next_step });
            return;
        }
        if entry.off {
            return;
        }
        let Some(passes) = entry.passes else {
            return self.wrong(place, format!("`{key}` is not built in, so it needs `passes`"));
        };
        let applies = entry.applies.and_then(|text| self.question(&text));
        let Some(passes) = self.question(&passes) else { return };
        let title = entry.title.unwrap_or_else(|| key.replace('_', " "));
        own.push(OwnRule {
            detail: entry.detail.unwrap_or_else(|| format!("{title}: not yet")),
            system: entry.system.unwrap_or_else(|| "billing".to_owned()),
            next_step: entry.next_step.unwrap_or_default(),
            applies,
            passes,
            blocks: entry.otherwise.is_none_or(|o| o == Otherwise::Blocks),
            title,
            key,
        });
    }

    fn question(&mut self, text: &Spanned<String>) -> Option<Question> {
        match Question::parse(text.get_ref()) {
            Ok(question) => Some(question),
            Err(wrong) => {
                // The text stands in quotes; where it holds escapes its beginning is told.
                let span = text.span();
                let raw = self.text.get(span.clone()).unwrap_or_default();
                let inside = raw.find(text.get_ref().as_str()).map(|start| start + wrong.at);
                self.wrong(span.start + inside.unwrap_or(0), wrong.what);
                None
            }
        }
    }
}

/// `50.00 EUR`
fn amount(text: &str) -> Option<Money> {
    let (value, currency) = text.split_once(' ')?;
    let value = Decimal::from_str_exact(value).ok().filter(|v| *v >= Decimal::ZERO)?;
    let known = iso_currency::Currency::from_code(currency).is_some();
    known.then(|| Money { value, currency: currency.to_owned() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refused(text: &str) -> String {
        let errors = Rules::parse("readiness.toml", text).expect_err("refused");
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_shipped_file_says_what_holds_without_one() {
        let shipped = include_str!("../../../definitions/readiness.toml");
        let rules = Rules::parse(FILE, shipped).unwrap();
        assert_eq!(Rules { tolerance: Tolerance::default(), ..rules }, Rules::default());
    }

    #[test]
    fn a_customer_begins_with_what_holds_for_all() {
        let text = "version = 1\n[policy]\nproof = 'always'\nminimum = ['20 EUR']\n[[customers]]\nkey = 'Acme'\nbill = 'per_shipment'\n";
        let rules = Rules::parse(FILE, text).unwrap();
        let acme = rules.policy_of("Acme");
        assert_eq!((acme.bill, acme.proof, acme.minimum.len()), (Some(Billing::PerShipment), Proof::Always, 1));
        assert_eq!(rules.policy_of("Other").bill, None);
    }

    #[test]
    fn a_rule_that_is_wrong_is_told_with_its_place() {
        let text = "version = 1\n[[rules]]\nkey = 'big'\npasses = \"value < dec('10') && costumer == 'A'\"\n";
        assert_eq!(refused(text), "readiness.toml:4:32: `costumer` is not known; nearest is `customer`");
        let text =
            "version = 1\n[[rules]]\nkey = 'loop'\npasses = '''\nlines.all(a,\n  lines.all(b, a.line != b.line))'''\n";
        assert!(refused(text).starts_with("readiness.toml:6:"), "{}", refused(text));
        assert!(refused("version = 1\n[[rules]]\nkey = 'own'\n").contains("needs `passes`"));
        assert!(refused("version = 1\n[[rules]]\nkey = 'pod_missing'\npasses = 'true'\n").contains("is built in"));
        assert!(
            refused("version = 1\n[[rules]]\nkey='a'\npasses='true'\n[[rules]]\nkey='a'\npasses='true'\n")
                .contains("twice")
        );
    }

    #[test]
    fn tolerances_with_errors_are_refused() {
        let text = "version = 1\n[freight]\npercent = '-2'\namounts = ['5', '5 EUX', '1 EUR', '2 EUR']\n[[carriers]]\npercent = '1'\n";
        let said = refused(text);
        for part in [
            "3:11: `-2` is no per cent",
            "4:12: `5` is no amount",
            "`5 EUX` is no amount",
            "EUR stands here twice",
            "a carrier has a `key`",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert!(refused("version = 1\n[policy]\ncut_off = 'sometimes'\n").contains("sometimes"));
        assert!(refused("version = 1\n[policy]\ncolour = 'red'\n").contains("unknown field `colour`"));
    }

    #[test]
    fn a_figure_must_be_inside_every_limit() {
        let d = |text: &str| text.parse::<Decimal>().unwrap();
        let limits = |percent: Option<&str>, amount: Option<&str>| Tolerance {
            percent: percent.map(d),
            amounts: amount.map(|a| Money { value: d(a), currency: "EUR".to_owned() }).into_iter().collect(),
            quantity: Decimal::ZERO,
        };
        // percent, amount, expected, found, within; by hand
        let cases = [
            (None, None, "100", "100", true),
            (None, None, "100", "100.01", false),
            (Some("2"), None, "100", "102", true),
            (Some("2"), None, "100", "102.01", false),
            (Some("2"), Some("1"), "100", "102", false),
            (Some("2"), Some("1"), "100", "101", true),
            (Some("2"), Some("50"), "100", "103", false),
            (None, Some("5"), "0", "5", true),
            (Some("2"), None, "0", "0.01", false),
            (Some("2"), None, "-100", "-98", true),
        ];
        for (percent, amount, expected, found, within) in cases {
            let tolerance = limits(percent, amount);
            assert_eq!(
                tolerance.allows(d(expected), d(found), "EUR"),
                within,
                "{percent:?} {amount:?} {expected} {found}"
            );
        }
        // An amount in another currency says nothing.
        assert!(!limits(None, Some("5")).allows(d("1"), d("2"), "USD"));
    }
}
