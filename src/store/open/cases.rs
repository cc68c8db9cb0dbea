//! Exceptions that are not closed: the queue with its facets and sums.

use clickhouse::Row;
use milepost_ingest::ObjectRef;
use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::facets::Tallies;
use super::hash;
use super::money::Amount;
use super::table::{Named, Table, first};
use super::words::{Choice, List, NOBODY, NONE, Period, Word, Words};
use crate::store::board::KindCount;
use crate::store::cursor::Place;
use crate::store::exceptions::{CurrencySum, ExceptionFilter, ExceptionSort, Muting};
use crate::store::rows::ExceptionRow;
use crate::store::workflows::Facet;

/// The columns of an exception that are kept.
#[derive(Row, Deserialize)]
pub struct Seen<'a> {
    pub tenant: &'a str,
    pub id: &'a str,
    pub root_type: &'a str,
    pub root_id: &'a str,
    pub kind: &'a str,
    pub severity: &'a str,
    pub system: &'a str,
    pub feeds: Vec<&'a str>,
    pub since_ms: i64,
    pub known_ms: i64,
    pub state: &'a str,
    pub owner: &'a str,
    pub team: &'a str,
    pub reason: &'a str,
    pub resolve_by_ms: Option<i64>,
    pub customer: &'a str,
    pub warehouse: &'a str,
    pub carrier: &'a str,
    pub orders: u32,
    pub amount: Option<i128>,
    pub currency: &'a str,
    pub version: u64,
}

impl<'a> From<&'a ExceptionRow> for Seen<'a> {
    fn from(row: &'a ExceptionRow) -> Self {
        Self {
            tenant: &row.tenant,
            id: &row.id,
            root_type: &row.root_type,
            root_id: &row.root_id,
            kind: &row.kind,
            severity: &row.severity,
            system: &row.system,
            feeds: row.feeds.iter().map(String::as_str).collect(),
            since_ms: row.since_ms,
            known_ms: row.known_ms,
            state: &row.state,
            owner: &row.owner,
            team: &row.team,
            reason: &row.reason,
            resolve_by_ms: row.resolve_by_ms,
            customer: &row.customer,
            warehouse: &row.warehouse,
            carrier: &row.carrier,
            orders: row.orders,
            amount: row.amount,
            currency: &row.currency,
            version: row.version,
        }
    }
}

pub struct Case {
    id: Box<str>,
    root_id: Box<str>,
    root_type: Word,
    kind: Word,
    severity: Word,
    system: Word,
    state: Word,
    owner: Word,
    team: Word,
    reason: Word,
    customer: Word,
    warehouse: Word,
    carrier: Word,
    currency: Word,
    feeds: List,
    orders: u32,
    amount: Amount,
    since_ms: i64,
    known_ms: i64,
    /// Its place in the order of urgency.
    urgency: i64,
    version: u64,
}

impl Named for Case {
    fn hash(&self) -> u64 {
        hash(&self.id)
    }
    fn is(&self, other: &Self) -> bool {
        self.id == other.id
    }
    fn version(&self) -> u64 {
        self.version
    }
}

#[derive(Default)]
pub struct Cases(Table<Case>);

impl Cases {
    pub fn note(&mut self, words: &mut Words, seen: &Seen<'_>, closed: bool) {
        let case = Case {
            id: seen.id.into(),
            root_id: seen.root_id.into(),
            root_type: words.learn(seen.root_type),
            kind: words.learn(seen.kind),
            severity: words.learn(seen.severity),
            system: words.learn(seen.system),
            state: words.learn(seen.state),
            owner: words.learn(seen.owner),
            team: words.learn(seen.team),
            reason: words.learn(seen.reason),
            customer: words.learn(seen.customer),
            warehouse: words.learn(seen.warehouse),
            carrier: words.learn(seen.carrier),
            currency: words.learn(seen.currency),
            feeds: words.learn_list(&seen.feeds),
            orders: seen.orders,
            amount: Amount::new(seen.amount),
            since_ms: seen.since_ms,
            known_ms: seen.known_ms,
            urgency: ExceptionSort::urgency(seen.severity, seen.resolve_by_ms),
            version: seen.version,
        };
        if closed {
            self.0.take(&case);
        } else {
            self.0.put(case);
        }
    }

    pub fn len(&self) -> usize {
        self.0.rows().len()
    }

    /// How many are in a state.
    pub fn in_state(&self, words: &Words, state: &str) -> u64 {
        let state = words.number(state);
        self.0.rows().iter().filter(|case| case.state == state).count() as u64
    }

    pub fn kinds(&self, words: &Words) -> Vec<KindCount> {
        let mut counts = vec![0_u64; words.len()];
        self.0.rows().iter().for_each(|case| counts[case.kind as usize] += 1);
        let there = counts.into_iter().zip(0_u32..).filter(|(count, _)| *count > 0);
        let mut kinds: Vec<KindCount> =
            there.map(|(count, kind)| KindCount { kind: words.word(kind).to_owned(), count }).collect();
        kinds.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.kind.cmp(&b.kind)));
        kinds
    }

    /// Whose the exceptions of these workflows are: of each the one that has been so for longest.
    pub fn owners(&self, words: &Words, roots: &[ObjectRef]) -> Vec<(ObjectRef, String)> {
        let wanted: FxHashMap<(Word, &str), &ObjectRef> =
            roots.iter().map(|root| ((words.number(&root.kind), root.id.as_str()), root)).collect();
        let mut found: FxHashMap<&ObjectRef, (i64, Word)> = FxHashMap::default();
        for case in self.0.rows().iter().filter(|case| case.owner != NONE) {
            let Some(root) = wanted.get(&(case.root_type, &*case.root_id)) else { continue };
            let known = found.entry(root).or_insert((case.since_ms, case.owner));
            if case.since_ms < known.0 {
                *known = (case.since_ms, case.owner);
            }
        }
        let owner = |root: &ObjectRef| Some((root.clone(), words.word(found.get(root)?.1).to_owned()));
        roots.iter().filter_map(owner).collect()
    }

    /// Ids of a page.
    pub fn page(
        &self,
        words: &Words,
        filter: &ExceptionFilter,
        muting: &Muting,
        after: Option<&Place>,
        limit: usize,
    ) -> Vec<String> {
        let test = Test::new(words, filter, muting);
        let value = |case: &Case| match filter.sort {
            ExceptionSort::Urgent => case.urgency,
            ExceptionSort::Since => case.since_ms,
            ExceptionSort::New => -case.known_ms,
            ExceptionSort::Amount => ExceptionSort::by_amount(case.amount.get()),
        };
        let after = after.map(|place| (place.value, place.id.as_str()));
        let rows = self.0.rows().iter().filter(|case| test.misses(words, case) == 0);
        let found = first(rows, value, |case| &*case.id, after, limit);
        found.into_iter().map(|case| case.id.to_string()).collect()
    }

    pub fn sums(&self, words: &Words, filter: &ExceptionFilter, muting: &Muting) -> Vec<CurrencySum> {
        let test = Test::new(words, filter, muting);
        let mut sums: Vec<(Word, CurrencySum)> = Vec::new();
        for case in self.0.rows().iter().filter(|case| test.misses(words, case) == 0) {
            let at = match sums.iter().position(|(currency, _)| *currency == case.currency) {
                Some(at) => at,
                None => {
                    let currency = words.word(case.currency).to_owned();
                    sums.push((case.currency, CurrencySum { currency, count: 0, orders: 0, amount: 0 }));
                    sums.len() - 1
                }
            };
            let sum = &mut sums[at].1;
            sum.count += 1;
            sum.orders += u64::from(case.orders);
            sum.amount += case.amount.get().unwrap_or(0);
        }
        let mut sums: Vec<CurrencySum> = sums.into_iter().map(|(_, sum)| sum).collect();
        sums.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.currency.cmp(&b.currency)));
        sums
    }

    pub fn facets(&self, words: &Words, filter: &ExceptionFilter, muting: &Muting) -> Vec<Facet> {
        let test = Test::new(words, filter, muting);
        let mut tallies = Tallies::<8>::new(words);
        for case in self.0.rows() {
            let misses = test.misses(words, case);
            if misses.count_ones() > 1 {
                continue;
            }
            for (at, word) in case.properties().into_iter().enumerate() {
                if misses & !(1 << at) == 0 && at < CUSTOMER {
                    let word = if at == OWNER && word == NONE { NOBODY } else { word };
                    tallies.add(at, word);
                }
            }
        }
        tallies.facets(words, FACETS)
    }
}

const FACETS: [&str; 8] = ["state", "kind", "severity", "system", "owner", "team", "warehouse", "carrier"];
const OWNER: usize = 4;
/// Customers are too many to be counted.
const CUSTOMER: usize = 8;

impl Case {
    /// In the order of `FACETS`, then the customer.
    fn properties(&self) -> [Word; 9] {
        [
            self.state,
            self.kind,
            self.severity,
            self.system,
            self.owner,
            self.team,
            self.warehouse,
            self.carrier,
            self.customer,
        ]
    }
}

/// A filter in numbers.
struct Test {
    choices: [Choice; 9],
    reason: Choice,
    period: Period,
    muted: Option<bool>,
    clocks: [Word; 2],
    sources: Vec<Word>,
    systems: Vec<Word>,
}

impl Test {
    fn new(words: &Words, filter: &ExceptionFilter, muting: &Muting) -> Self {
        let one = |word: &str| Choice::one(words, word);
        let all = |of: &[String]| of.iter().map(|word| words.number(word)).collect();
        let owner = if filter.owner == "nobody" { Choice::One(NONE) } else { one(&filter.owner) };
        Self {
            choices: [
                Choice::one_of(words, &filter.state),
                Choice::one_of(words, &filter.kind),
                one(&filter.severity),
                one(&filter.system),
                owner,
                one(&filter.team),
                one(&filter.warehouse),
                one(&filter.carrier),
                one(&filter.customer),
            ],
            reason: one(&filter.reason),
            period: Period::new(filter.from_ms, 0),
            muted: filter.muted,
            clocks: [words.number("sla_breached"), words.number("sla_at_risk")],
            sources: all(&muting.sources),
            systems: all(&muting.systems),
        }
    }

    /// A bit for each property that it misses on; all bits where one without a facet is missed.
    fn misses(&self, words: &Words, case: &Case) -> u32 {
        let muted = self.muted.is_some_and(|wanted| wanted != self.is_muted(words, case));
        if muted || !self.period.holds(case.known_ms) || self.reason.misses(case.reason) {
            return u32::MAX;
        }
        let mut misses = 0;
        for (at, (choice, word)) in self.choices.iter().zip(case.properties()).enumerate() {
            misses |= u32::from(choice.misses(word)) << at;
        }
        misses
    }

    /// A silent source explains it: as `Muting::of`.
    fn is_muted(&self, words: &Words, case: &Case) -> bool {
        if !self.clocks.contains(&case.kind) {
            return false;
        }
        let feeds = words.list(case.feeds);
        feeds.iter().any(|feed| self.sources.contains(feed)) || feeds.is_empty() && self.systems.contains(&case.system)
    }
}
