//! What is not billed yet: the worklist of finance and its totals.

use clickhouse::Row;
use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::money::Amount;
use super::table::{Named, Table, first};
use super::words::{Choice, List, Word, Words};
use super::{Names, hash};
use crate::store::cursor::Place;
use crate::store::readiness::{ReadinessFilter, Sum};
use crate::store::rows::ReadinessRow;

/// States of what is not settled; the rest is history and lives in the store only.
pub const KEPT: [&str; 4] = ["not_due", "blocked", "ready", "wrong"];
/// Values of a property that are told: every state in every currency is among them.
const MOST: usize = 1000;
const DAY_MS: i64 = 86_400_000;
/// Up to how many days since delivery, and the word for it.
const AGES: [(i64, &str); 6] = [(1, "0-1"), (3, "2-3"), (7, "4-7"), (14, "8-14"), (30, "15-30"), (i64::MAX, "31+")];

/// The columns of an item that are kept.
#[derive(Row, Deserialize)]
pub struct Seen<'a> {
    pub tenant: &'a str,
    pub root_type: &'a str,
    pub root_id: &'a str,
    pub object_type: &'a str,
    pub object_id: &'a str,
    pub state: &'a str,
    pub reasons: Vec<&'a str>,
    pub system: &'a str,
    pub customer: &'a str,
    pub carrier: &'a str,
    pub amount: Option<i128>,
    pub currency: &'a str,
    pub delivered_ms: Option<i64>,
    pub version: u64,
}

impl<'a> From<&'a ReadinessRow> for Seen<'a> {
    fn from(row: &'a ReadinessRow) -> Self {
        Self {
            tenant: &row.tenant,
            root_type: &row.root_type,
            root_id: &row.root_id,
            object_type: &row.object_type,
            object_id: &row.object_id,
            state: &row.state,
            reasons: row.reasons.iter().map(String::as_str).collect(),
            system: &row.system,
            customer: &row.customer,
            carrier: &row.carrier,
            amount: row.amount,
            currency: &row.currency,
            delivered_ms: row.delivered_ms,
            version: row.version,
        }
    }
}

pub struct Bill {
    root_id: Box<str>,
    /// None where the root itself is billed.
    object_id: Option<Box<str>>,
    root_type: Word,
    object_type: Word,
    state: Word,
    system: Word,
    customer: Word,
    carrier: Word,
    currency: Word,
    reasons: List,
    amount: Amount,
    /// The greatest number where it is not delivered: then it comes last.
    delivered_ms: i64,
    version: u64,
}

impl Bill {
    fn object_id(&self) -> &str {
        self.object_id.as_deref().unwrap_or(&self.root_id)
    }

    fn object(&self, words: &Words) -> String {
        format!("{}/{}", words.word(self.object_type), self.object_id())
    }

    fn age(&self, now_ms: i64) -> &'static str {
        if self.delivered_ms == i64::MAX {
            return "";
        }
        let days = now_ms.div_euclid(DAY_MS) - self.delivered_ms.div_euclid(DAY_MS);
        AGES.iter().find(|(most, _)| days <= *most).map_or("", |(_, word)| word)
    }
}

impl Named for Bill {
    fn hash(&self) -> u64 {
        hash((&self.root_id, self.object_id(), self.root_type, self.object_type))
    }
    fn is(&self, other: &Self) -> bool {
        (self.root_type, self.object_type) == (other.root_type, other.object_type)
            && self.root_id == other.root_id
            && self.object_id() == other.object_id()
    }
    fn version(&self) -> u64 {
        self.version
    }
}

#[derive(Default)]
pub struct Bills(Table<Bill>);

#[derive(Default)]
struct Added {
    count: u64,
    total: i128,
    unknown: u64,
}

impl Added {
    fn add(&mut self, amount: Option<i128>) {
        self.count += 1;
        self.total += amount.unwrap_or(0);
        self.unknown += u64::from(amount.is_none());
    }

    fn join(&mut self, other: &Self) {
        self.count += other.count;
        self.total += other.total;
        self.unknown += other.unknown;
    }
}

impl Bills {
    pub fn note(&mut self, words: &mut Words, seen: &Seen<'_>, settled: bool) {
        let of_root = (seen.root_type, seen.root_id) == (seen.object_type, seen.object_id);
        let bill = Bill {
            root_id: seen.root_id.into(),
            object_id: (!of_root).then(|| seen.object_id.into()),
            root_type: words.learn(seen.root_type),
            object_type: words.learn(seen.object_type),
            state: words.learn(seen.state),
            system: words.learn(seen.system),
            customer: words.learn(seen.customer),
            carrier: words.learn(seen.carrier),
            currency: words.learn(seen.currency),
            reasons: words.learn_list(&seen.reasons),
            amount: Amount::new(seen.amount),
            delivered_ms: seen.delivered_ms.unwrap_or(i64::MAX),
            version: seen.version,
        };
        if settled {
            self.0.take(&bill);
        } else {
            self.0.put(bill);
        }
    }

    pub fn len(&self) -> usize {
        self.0.rows().len()
    }

    /// Root and object of a page.
    pub fn page(
        &self,
        words: &Words,
        filter: &ReadinessFilter,
        after: Option<&Place>,
        limit: usize,
    ) -> Vec<(Names, String)> {
        let test = Test::new(words, filter);
        let after = after.map(|place| (place.value, (place.id.as_str(), place.also.clone())));
        let rows = self.0.rows().iter().filter(|bill| test.hits(words, bill));
        let found = first(rows, |bill| bill.delivered_ms, |bill| (&*bill.root_id, bill.object(words)), after, limit);
        let name = |bill: &Bill| {
            let root = Names {
                kind: words.word(bill.root_type).to_owned(),
                id: bill.root_id.to_string(),
                also: String::new(),
            };
            (root, bill.object(words))
        };
        found.into_iter().map(name).collect()
    }

    /// By `all` and each property, each currency apart.
    pub fn sums(&self, words: &Words, filter: &ReadinessFilter) -> Vec<Sum> {
        let test = Test::new(words, filter);
        let mut by_word: [FxHashMap<(Word, Word), Added>; 4] = Default::default();
        let mut ages: FxHashMap<(&str, Word), Added> = FxHashMap::default();
        for bill in self.0.rows().iter().filter(|bill| test.hits(words, bill)) {
            let (amount, currency) = (bill.amount.get(), bill.currency);
            ages.entry((bill.age(filter.now_ms), currency)).or_default().add(amount);
            by_word[0].entry((bill.state, currency)).or_default().add(amount);
            by_word[1].entry((bill.customer, currency)).or_default().add(amount);
            by_word[3].entry((bill.system, currency)).or_default().add(amount);
            let reasons = words.list(bill.reasons);
            for (_, reason) in reasons.iter().enumerate().filter(|(at, reason)| !reasons[..*at].contains(reason)) {
                by_word[2].entry((*reason, currency)).or_default().add(amount);
            }
        }
        let sum = |name: &str, value: &str, currency: Word, added: &Added| Sum {
            name: name.to_owned(),
            value: value.to_owned(),
            currency: words.word(currency).to_owned(),
            count: added.count,
            total: added.total,
            unknown: added.unknown,
        };
        let [states, customers, reasons, systems] = by_word;
        // Every bill has one state: what all are worth need not be added for each bill again.
        let mut all: FxHashMap<Word, Added> = FxHashMap::default();
        for ((_, currency), added) in &states {
            all.entry(*currency).or_default().join(added);
        }
        let told = |name: &'static str, of: FxHashMap<(Word, Word), Added>| -> Vec<Sum> {
            ordered(of.into_iter().map(|((value, c), added)| sum(name, words.word(value), c, &added)).collect())
        };
        let mut sums = ordered(ages.iter().map(|((value, c), added)| sum("age", value, *c, added)).collect());
        sums.extend(ordered(all.iter().map(|(c, added)| sum("all", "", *c, added)).collect()));
        sums.extend(ordered(all.iter().map(|(c, added)| sum("currency", words.word(*c), *c, added)).collect()));
        sums.extend(told("customer", customers));
        sums.extend(told("reason", reasons));
        sums.extend(told("state", states));
        sums.extend(told("system", systems));
        sums
    }
}

/// The most money first, cut.
fn ordered(mut sums: Vec<Sum>) -> Vec<Sum> {
    sums.sort_by(|a, b| {
        let names = || (&a.value, &a.currency).cmp(&(&b.value, &b.currency));
        b.total.cmp(&a.total).then(b.count.cmp(&a.count)).then_with(names)
    });
    sums.truncate(MOST);
    sums
}

/// A filter in numbers.
struct Test<'f> {
    state: Choice,
    reason: Choice,
    age: &'f str,
    choices: [Choice; 4],
    now_ms: i64,
}

impl<'f> Test<'f> {
    fn new(words: &Words, filter: &'f ReadinessFilter) -> Self {
        let one = |word: &str| Choice::one(words, word);
        Self {
            state: Choice::one_of(words, &filter.state),
            reason: one(&filter.reason),
            age: &filter.age,
            choices: [one(&filter.customer), one(&filter.carrier), one(&filter.system), one(&filter.currency)],
            now_ms: filter.now_ms,
        }
    }

    fn hits(&self, words: &Words, bill: &Bill) -> bool {
        let properties = [bill.customer, bill.carrier, bill.system, bill.currency];
        !self.state.misses(bill.state)
            && self.choices.iter().zip(properties).all(|(choice, word)| !choice.misses(word))
            && !self.reason.misses_list(words.list(bill.reasons))
            && (self.age.is_empty() || self.age == bill.age(self.now_ms))
    }
}
