//! Numbers and money of items by what they are told apart by, each state and each currency apart. Of everything that is
//! not settled they are kept as rows come and go; of what a list is narrowed to they are added up when it is asked for.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::super::words::{Choice, Word, Words};
use super::{AGES, Bill, DAY_MS};
use crate::store::readiness::Sum;

/// Values of a property that are told: every state in every currency is among them.
const MOST: usize = 1000;
/// The day of what is not delivered.
const NEVER: i64 = i64::MAX;

#[derive(Default)]
pub struct Bag {
    customers: Map,
    reasons: Map,
    systems: Map,
    /// By day of the delivery: how old that is depends on when it is asked.
    days: FxHashMap<Day, Added>,
}

/// State, value and currency; state, day and currency.
type Value = (Word, Word, Word);
type Day = (Word, i64, Word);
type Map = FxHashMap<Value, Added>;
/// Adds to what stands under a key, or takes away.
type Change<K> = fn(&mut FxHashMap<K, Added>, K, &Added);

#[derive(Clone, Copy, Default)]
pub struct Added {
    count: u64,
    total: i128,
    unknown: u64,
}

impl Added {
    /// Money wraps around rather than stops the house: what goes is to take away just what had come.
    fn join(&mut self, other: &Self) {
        self.count += other.count;
        self.total = self.total.wrapping_add(other.total);
        self.unknown += other.unknown;
    }

    fn part(&mut self, other: &Self) {
        self.count -= other.count;
        self.total = self.total.wrapping_sub(other.total);
        self.unknown -= other.unknown;
    }
}

fn join<K: Hash + Eq>(map: &mut FxHashMap<K, Added>, key: K, added: &Added) {
    map.entry(key).or_default().join(added);
}

fn part<K: Hash + Eq>(map: &mut FxHashMap<K, Added>, key: K, added: &Added) {
    if let std::collections::hash_map::Entry::Occupied(mut known) = map.entry(key) {
        known.get_mut().part(added);
        if known.get().count == 0 {
            known.remove();
        }
    }
}

impl Bag {
    pub fn add(&mut self, words: &Words, bill: &Bill) {
        self.change(words, bill, join, join);
    }

    /// Of a bill that was added.
    pub fn remove(&mut self, words: &Words, bill: &Bill) {
        self.change(words, bill, part, part);
    }

    fn change(&mut self, words: &Words, bill: &Bill, by_word: Change<Value>, by_day: Change<Day>) {
        let amount = bill.amount.get();
        let one = Added { count: 1, total: amount.unwrap_or(0), unknown: u64::from(amount.is_none()) };
        let (state, currency) = (bill.state, bill.currency);
        by_word(&mut self.customers, (state, bill.customer, currency), &one);
        by_word(&mut self.systems, (state, bill.system, currency), &one);
        let reasons = words.list(bill.reasons);
        for (_, reason) in reasons.iter().enumerate().filter(|(at, reason)| !reasons[..*at].contains(reason)) {
            by_word(&mut self.reasons, (state, *reason, currency), &one);
        }
        let day = if bill.delivered_ms == NEVER { NEVER } else { bill.delivered_ms.div_euclid(DAY_MS) };
        by_day(&mut self.days, (state, day, currency), &one);
    }

    pub fn merge(&mut self, other: Self) {
        for (mine, theirs) in [
            (&mut self.customers, other.customers),
            (&mut self.reasons, other.reasons),
            (&mut self.systems, other.systems),
        ] {
            theirs.iter().for_each(|(key, added)| join(mine, *key, added));
        }
        other.days.iter().for_each(|(key, added)| join(&mut self.days, *key, added));
    }

    /// By `all` and each property, each currency apart, of these states.
    pub fn sums(&self, words: &Words, states: &Choice, now_ms: i64) -> Vec<Sum> {
        let today = now_ms.div_euclid(DAY_MS);
        let mut ages: FxHashMap<(&str, Word), Added> = FxHashMap::default();
        let mut by_state: FxHashMap<(&str, Word), Added> = FxHashMap::default();
        let mut all: FxHashMap<(&str, Word), Added> = FxHashMap::default();
        let mut currencies: FxHashMap<(&str, Word), Added> = FxHashMap::default();
        // Every bill has one day: what all are worth follows from it.
        for ((state, day, currency), added) in self.days.iter().filter(|((state, ..), _)| !states.misses(*state)) {
            join(&mut ages, (age(today, *day), *currency), added);
            join(&mut by_state, (words.word(*state), *currency), added);
            join(&mut all, ("", *currency), added);
            join(&mut currencies, (words.word(*currency), *currency), added);
        }
        let by_value = |map: &Map| {
            let mut values: FxHashMap<(Word, Word), Added> = FxHashMap::default();
            for ((_, value, currency), added) in map.iter().filter(|((state, ..), _)| !states.misses(*state)) {
                join(&mut values, (*value, *currency), added);
            }
            values.into_iter().map(|((value, currency), added)| ((words.word(value), currency), added)).collect()
        };
        let told = |name: &str, of: FxHashMap<(&str, Word), Added>| -> Vec<Sum> {
            let sum = |((value, currency), added): ((&str, Word), Added)| Sum {
                name: name.to_owned(),
                value: value.to_owned(),
                currency: words.word(currency).to_owned(),
                count: added.count,
                total: added.total,
                unknown: added.unknown,
            };
            ordered(of, words).into_iter().map(sum).collect()
        };
        let parts = [
            told("age", ages),
            told("all", all),
            told("currency", currencies),
            told("customer", by_value(&self.customers)),
            told("reason", by_value(&self.reasons)),
            told("state", by_state),
            told("system", by_value(&self.systems)),
        ];
        parts.into_iter().flatten().collect()
    }
}

/// How many days ago that was, in words; empty for what never was.
pub fn age(today: i64, day: i64) -> &'static str {
    if day == NEVER {
        return "";
    }
    AGES.iter().find(|(most, _)| today - day <= *most).map_or("", |(_, word)| word)
}

/// The most money first, cut.
fn ordered<'w>(of: FxHashMap<(&'w str, Word), Added>, words: &Words) -> Vec<((&'w str, Word), Added)> {
    let mut sums: Vec<((&str, Word), Added)> = of.into_iter().collect();
    sums.sort_by(|((value, currency), a), ((other, other_currency), b)| {
        let names = || (value, words.word(*currency)).cmp(&(other, words.word(*other_currency)));
        b.total.cmp(&a.total).then(b.count.cmp(&a.count)).then_with(names)
    });
    sums.truncate(MOST);
    sums
}
