//! What is not billed yet: the worklist of finance and its totals.

mod bag;

use std::cmp::Ordering;

use clickhouse::Row;
use serde::Deserialize;

use super::money::Amount;
use super::table::{Named, Put, Table, first};
use super::words::{Choice, List, Word, Words};
use super::{Names, hash};
use crate::store::cursor::Place;
use crate::store::readiness::{ReadinessFilter, Sum};
use crate::store::rows::ReadinessRow;
use bag::Bag;

/// States of what is not settled; the rest is history and lives in the store only.
pub const KEPT: [&str; 4] = ["not_due", "blocked", "ready", "wrong"];
/// Rows that a thread is worth.
const ENOUGH: usize = 50_000;
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

    fn spot<'a>(&'a self, words: &'a Words) -> Spot<'a> {
        Spot { root_id: &self.root_id, kind: words.word(self.object_type), id: self.object_id() }
    }

    fn age(&self, now_ms: i64) -> &'static str {
        let day = if self.delivered_ms == i64::MAX { i64::MAX } else { self.delivered_ms.div_euclid(DAY_MS) };
        bag::age(now_ms.div_euclid(DAY_MS), day)
    }
}

/// Where a bill stands among those of the same age: by its root, then by `type/id` as one word, made of nothing new.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Spot<'a> {
    root_id: &'a str,
    kind: &'a str,
    id: &'a str,
}

impl<'a> Spot<'a> {
    fn object(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.kind.bytes().chain([b'/']).chain(self.id.bytes())
    }
}

impl Ord for Spot<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.root_id.cmp(other.root_id).then_with(|| self.object().cmp(other.object()))
    }
}

impl PartialOrd for Spot<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
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
pub struct Bills {
    rows: Table<Bill>,
    /// Of all rows.
    sums: Bag,
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
            if let Some(gone) = self.rows.take(&bill) {
                self.sums.remove(words, &gone);
            }
            return;
        }
        self.sums.add(words, &bill);
        if let Put::Replaced(gone) | Put::Older(gone) = self.rows.put(bill) {
            self.sums.remove(words, &gone);
        }
    }

    pub fn len(&self) -> usize {
        self.rows.rows().len()
    }

    /// Root and object of a page.
    pub fn page<'s>(
        &'s self,
        words: &'s Words,
        filter: &ReadinessFilter,
        after: Option<&'s Place>,
        limit: usize,
    ) -> Vec<(Names, String)> {
        let test = Test::new(words, filter);
        let after = after.map(|place| {
            let (kind, id) = place.also.split_once('/').unwrap_or((&place.also, ""));
            (place.value, Spot { root_id: &place.id, kind, id })
        });
        let earliest = |rows: &'s [Bill]| {
            let rows = rows.iter().filter(|bill| test.hits(words, bill));
            first(rows, |bill| bill.delivered_ms, |bill| bill.spot(words), after, limit)
        };
        let found = in_parts(self.rows.rows(), earliest, |one, other| {
            let rows = one.into_iter().chain(other);
            first(rows, |bill| bill.delivered_ms, |bill| bill.spot(words), None, limit)
        });
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
        if test.is_of_states_only() {
            return self.sums.sums(words, &test.state, filter.now_ms);
        }
        let add_up = |rows: &[Bill]| {
            let mut bag = Bag::default();
            rows.iter().filter(|bill| test.hits(words, bill)).for_each(|bill| bag.add(words, bill));
            bag
        };
        let join = |mut one: Bag, other: Bag| {
            one.merge(other);
            one
        };
        in_parts(self.rows.rows(), add_up, join).sums(words, &test.state, filter.now_ms)
    }
}

/// On two threads where there is enough to do.
fn in_parts<'r, T: Send>(rows: &'r [Bill], find: impl Fn(&'r [Bill]) -> T + Sync, join: impl Fn(T, T) -> T) -> T {
    if rows.len() < ENOUGH {
        return find(rows);
    }
    let (one, other) = rows.split_at(rows.len() / 2);
    std::thread::scope(|scope| {
        let begun = scope.spawn(|| find(other));
        let found = find(one);
        join(found, begun.join().unwrap_or_else(|_| find(other)))
    })
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

    fn is_of_states_only(&self) -> bool {
        self.age.is_empty() && self.choices.iter().chain([&self.reason]).all(|choice| matches!(choice, Choice::Any))
    }

    fn hits(&self, words: &Words, bill: &Bill) -> bool {
        let properties = [bill.customer, bill.carrier, bill.system, bill.currency];
        !self.state.misses(bill.state)
            && self.choices.iter().zip(properties).all(|(choice, word)| !choice.misses(word))
            && !self.reason.misses_list(words.list(bill.reasons))
            && (self.age.is_empty() || self.age == bill.age(self.now_ms))
    }
}
