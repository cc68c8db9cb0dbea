//! Open workflows: what the board counts, and what lists are narrowed by and ordered by.

use clickhouse::Row;
use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::facets::Tallies;
use super::money::Amount;
use super::table::{Named, Put, Table, first};
use super::words::{Choice, List, NONE, Period, Word, Words};
use super::{Names, hash};
use crate::store::board::{BoardCount, Whose};
use crate::store::cursor::Place;
use crate::store::rows::WorkflowRow;
use crate::store::workflows::{CurrencyTotal, Facet, Sort, WorkflowFilter};

/// The columns of a workflow that are kept.
#[derive(Row, Deserialize)]
pub struct Seen<'a> {
    pub tenant: &'a str,
    pub root_type: &'a str,
    pub root_id: &'a str,
    pub definition: &'a str,
    pub status: &'a str,
    pub stage: &'a str,
    pub stage_title: &'a str,
    pub stage_number: u8,
    pub waiting_for: &'a str,
    pub customer: &'a str,
    pub amount: Option<i128>,
    pub currency: &'a str,
    pub warehouse: &'a str,
    pub carrier: &'a str,
    pub created_ms: i64,
    pub updated_ms: i64,
    pub due_ms: Option<i64>,
    pub exceptions: Vec<&'a str>,
    pub readiness: &'a str,
    pub version: u64,
}

impl<'a> From<&'a WorkflowRow> for Seen<'a> {
    fn from(row: &'a WorkflowRow) -> Self {
        Self {
            tenant: &row.tenant,
            root_type: &row.root_type,
            root_id: &row.root_id,
            definition: &row.definition,
            status: &row.status,
            stage: &row.stage,
            stage_title: &row.stage_title,
            stage_number: row.stage_number,
            waiting_for: &row.waiting_for,
            customer: &row.customer,
            amount: row.amount,
            currency: &row.currency,
            warehouse: &row.warehouse,
            carrier: &row.carrier,
            created_ms: row.created_ms,
            updated_ms: row.updated_ms,
            due_ms: row.due_ms,
            exceptions: row.exceptions.iter().map(String::as_str).collect(),
            readiness: &row.readiness,
            version: row.version,
        }
    }
}

pub struct Flow {
    root_id: Box<str>,
    root_type: Word,
    definition: Word,
    status: Word,
    stage: Word,
    stage_title: Word,
    system: Word,
    customer: Word,
    currency: Word,
    warehouse: Word,
    carrier: Word,
    readiness: Word,
    exceptions: List,
    amount: Amount,
    created_ms: i64,
    updated_ms: i64,
    /// The greatest number where it is never due: then it comes last.
    due_ms: i64,
    version: u64,
    stage_number: u8,
}

impl Named for Flow {
    fn hash(&self) -> u64 {
        hash((self.root_type, &self.root_id, self.definition))
    }
    fn is(&self, other: &Self) -> bool {
        (self.root_type, self.definition) == (other.root_type, other.definition) && self.root_id == other.root_id
    }
    fn version(&self) -> u64 {
        self.version
    }
}

/// How many stand at a stage with a status, and what the stage is called.
#[derive(Default)]
struct Stand {
    count: u64,
    ready: u64,
    title: Word,
    number: u8,
}

#[derive(Default)]
pub struct Flows {
    table: Table<Flow>,
    /// By definition, stage and status: kept with each change, for every page shows them.
    stands: FxHashMap<(Word, Word, Word), Stand>,
}

impl Flows {
    pub fn note(&mut self, words: &mut Words, seen: &Seen<'_>, closed: bool) {
        let ready = words.learn("ready");
        let flow = Flow {
            root_id: seen.root_id.into(),
            root_type: words.learn(seen.root_type),
            definition: words.learn(seen.definition),
            status: words.learn(seen.status),
            stage: words.learn(seen.stage),
            stage_title: words.learn(seen.stage_title),
            system: words.learn(seen.waiting_for),
            customer: words.learn(seen.customer),
            currency: words.learn(seen.currency),
            warehouse: words.learn(seen.warehouse),
            carrier: words.learn(seen.carrier),
            readiness: words.learn(seen.readiness),
            exceptions: words.learn_list(&seen.exceptions),
            amount: Amount::new(seen.amount),
            created_ms: seen.created_ms,
            updated_ms: seen.updated_ms,
            due_ms: seen.due_ms.unwrap_or(i64::MAX),
            version: seen.version,
            stage_number: seen.stage_number,
        };
        if closed {
            if let Some(old) = self.table.take(&flow) {
                self.count_out(&old, ready);
            }
            return;
        }
        let place = (flow.definition, flow.stage, flow.status);
        let (title, number, is_ready) = (flow.stage_title, flow.stage_number, flow.readiness == ready);
        match self.table.put(flow) {
            Put::Older(_) => return,
            Put::Replaced(old) => self.count_out(&old, ready),
            Put::New => {}
        }
        let stand = self.stands.entry(place).or_default();
        stand.count += 1;
        stand.ready += u64::from(is_ready);
        (stand.title, stand.number) = (title, number);
    }

    fn count_out(&mut self, old: &Flow, ready: Word) {
        let place = (old.definition, old.stage, old.status);
        if let Some(stand) = self.stands.get_mut(&place) {
            stand.count -= 1;
            stand.ready -= u64::from(old.readiness == ready);
            if stand.count == 0 {
                self.stands.remove(&place);
            }
        }
    }

    pub fn len(&self) -> usize {
        self.table.rows().len()
    }

    pub fn board(&self, words: &Words, whose: &Whose) -> Vec<BoardCount> {
        if whose.is_everybody() {
            return told(words, &self.stands);
        }
        let (own, ready) = (Own::new(words, whose), words.number("ready"));
        let mut stands: FxHashMap<(Word, Word, Word), Stand> = FxHashMap::default();
        for flow in self.table.rows().iter().filter(|flow| own.has(flow)) {
            let stand = stands.entry((flow.definition, flow.stage, flow.status)).or_default();
            stand.count += 1;
            stand.ready += u64::from(flow.readiness == ready);
            (stand.title, stand.number) = (flow.stage_title, flow.stage_number);
        }
        told(words, &stands)
    }

    /// When the next falls due that is not overdue.
    pub fn next_due(&self, words: &Words, as_of_ms: i64, whose: &Whose) -> Option<i64> {
        let own = Own::new(words, whose);
        let ahead = self.table.rows().iter().filter(|flow| own.has(flow)).map(|flow| flow.due_ms);
        ahead.filter(|due| *due >= as_of_ms && *due != i64::MAX).min()
    }

    /// Roots and definitions of a page.
    pub fn page(&self, words: &Words, filter: &WorkflowFilter, after: Option<&Place>, limit: usize) -> Vec<Names> {
        let test = Test::new(words, filter);
        let value = |flow: &Flow| match filter.sort {
            Sort::Due => flow.due_ms,
            Sort::Updated => -flow.updated_ms,
            Sort::Created => -flow.created_ms,
        };
        let after = after.map(|place| (place.value, (place.kind.as_str(), place.id.as_str(), place.also.as_str())));
        let rows = self.table.rows().iter().filter(|flow| test.misses(words, flow) == 0);
        let found = first(
            rows,
            value,
            |flow| (words.word(flow.root_type), &*flow.root_id, words.word(flow.definition)),
            after,
            limit,
        );
        let name = |flow: &Flow| Names {
            kind: words.word(flow.root_type).to_owned(),
            id: flow.root_id.to_string(),
            also: words.word(flow.definition).to_owned(),
        };
        found.into_iter().map(name).collect()
    }

    /// How many match, and what they are worth by currency.
    pub fn sums(&self, words: &Words, filter: &WorkflowFilter) -> (u64, Vec<CurrencyTotal>) {
        let test = Test::new(words, filter);
        let mut count = 0;
        let mut totals: Vec<(Word, u64, i128)> = Vec::new();
        for flow in self.table.rows().iter().filter(|flow| test.misses(words, flow) == 0) {
            count += 1;
            let Some(amount) = flow.amount.get().filter(|_| flow.currency != NONE) else { continue };
            match totals.iter_mut().find(|(currency, ..)| *currency == flow.currency) {
                Some((_, n, total)) => (*n, *total) = (*n + 1, *total + amount),
                None => totals.push((flow.currency, 1, amount)),
            }
        }
        let total = |(currency, count, total): (Word, u64, i128)| CurrencyTotal {
            currency: words.word(currency).to_owned(),
            count,
            total,
        };
        let mut totals: Vec<CurrencyTotal> = totals.into_iter().map(total).collect();
        totals.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.currency.cmp(&b.currency)));
        (count, totals)
    }

    pub fn facets(&self, words: &Words, filter: &WorkflowFilter) -> Vec<Facet> {
        let test = Test::new(words, filter);
        let mut tallies = Tallies::<9>::new(words);
        for flow in self.table.rows() {
            let misses = test.misses(words, flow);
            if misses.count_ones() > 1 {
                continue;
            }
            for (at, word) in flow.properties().into_iter().enumerate() {
                if misses & !(1 << at) == 0 {
                    tallies.add(at, word);
                }
            }
            if flow.exceptions != NONE && misses & !(1 << EXCEPTION) == 0 {
                words.list(flow.exceptions).iter().for_each(|kind| tallies.add(EXCEPTION, *kind));
            }
        }
        tallies.facets(words, FACETS)
    }
}

/// What a stage with a status is called, and how many stand there.
fn told(words: &Words, stands: &FxHashMap<(Word, Word, Word), Stand>) -> Vec<BoardCount> {
    let text = |word: Word| words.word(word).to_owned();
    let count = |((definition, stage, status), stand): (&(Word, Word, Word), &Stand)| BoardCount {
        definition: text(*definition),
        stage: text(*stage),
        title: text(stand.title),
        number: stand.number,
        status: text(*status),
        count: stand.count,
        ready: stand.ready,
    };
    let mut counts: Vec<BoardCount> = stands.iter().map(count).collect();
    counts.sort_by(|a, b| {
        let status = |other: &BoardCount| (&a.stage, &a.status).cmp(&(&other.stage, &other.status));
        (&a.definition, a.number).cmp(&(&b.definition, b.number)).then_with(|| status(b))
    });
    counts
}

/// Whose rows the board counts.
struct Own {
    system: Choice,
    customer: Choice,
}

impl Own {
    fn new(words: &Words, whose: &Whose) -> Self {
        Self { system: Choice::one(words, &whose.system), customer: Choice::one(words, &whose.customer) }
    }

    fn has(&self, flow: &Flow) -> bool {
        !self.system.misses(flow.system) && !self.customer.misses(flow.customer)
    }
}

const FACETS: [&str; 9] =
    ["status", "stage", "definition", "system", "customer", "warehouse", "carrier", "readiness", "exception"];
const EXCEPTION: usize = 8;

impl Flow {
    /// In the order of `FACETS`, but for the exceptions.
    fn properties(&self) -> [Word; 8] {
        [
            self.status,
            self.stage,
            self.definition,
            self.system,
            self.customer,
            self.warehouse,
            self.carrier,
            self.readiness,
        ]
    }
}

/// A filter in numbers.
struct Test {
    choices: [Choice; 8],
    exception: Choice,
    period: Period,
}

impl Test {
    fn new(words: &Words, filter: &WorkflowFilter) -> Self {
        let one = |word: &str| Choice::one(words, word);
        Self {
            choices: [
                Choice::one_of(words, &filter.status),
                one(&filter.stage),
                one(&filter.definition),
                one(&filter.system),
                one(&filter.customer),
                one(&filter.warehouse),
                one(&filter.carrier),
                one(&filter.readiness),
            ],
            exception: one(&filter.exception),
            period: Period::new(filter.from_ms, filter.to_ms),
        }
    }

    /// A bit for each property that it misses on; all bits where a property without a choice is missed.
    fn misses(&self, words: &Words, flow: &Flow) -> u32 {
        if !self.period.holds(flow.created_ms) {
            return u32::MAX;
        }
        let mut misses = 0;
        for (at, (choice, word)) in self.choices.iter().zip(flow.properties()).enumerate() {
            misses |= u32::from(choice.misses(word)) << at;
        }
        misses | u32::from(self.exception.misses_list(words.list(flow.exceptions))) << EXCEPTION
    }
}
