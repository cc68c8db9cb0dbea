//! Clocks that run or have run out and are not ended: lists of them, and how many there are of each verdict. Of those that ended
//! in the last days only what the board counts.

use chrono::Utc;
use clickhouse::Row;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use twox_hash::xxhash3_128;

use super::table::{Named, Table, first};
use super::words::{Choice, NONE, Period, Word, Words};
use super::{Names, hash};
use crate::store::board::{ClockCount, Days, Whose};
use crate::store::cursor::Place;
use crate::store::process::PolicyOpen;
use crate::store::rows::SlaRow;
use crate::store::slas::{SlaFilter, VerdictCount};

/// The columns of a clock that are kept.
#[derive(Row, Deserialize)]
pub struct Seen<'a> {
    pub tenant: &'a str,
    pub root_type: &'a str,
    pub root_id: &'a str,
    pub definition: &'a str,
    pub policy: &'a str,
    pub object_type: &'a str,
    pub object_id: &'a str,
    pub kind: &'a str,
    pub system: &'a str,
    pub customer: &'a str,
    pub warehouse: &'a str,
    pub carrier: &'a str,
    pub due_ms: i64,
    pub ended_ms: Option<i64>,
    pub verdict: &'a str,
    pub first_verdict: &'a str,
    pub cause: &'a str,
    pub version: u64,
}

impl<'a> From<&'a SlaRow> for Seen<'a> {
    fn from(row: &'a SlaRow) -> Self {
        Self {
            tenant: &row.tenant,
            root_type: &row.root_type,
            root_id: &row.root_id,
            definition: &row.definition,
            policy: &row.policy,
            object_type: &row.object_type,
            object_id: &row.object_id,
            kind: &row.kind,
            system: &row.system,
            customer: &row.customer,
            warehouse: &row.warehouse,
            carrier: &row.carrier,
            due_ms: row.due_ms,
            ended_ms: row.ended_ms,
            verdict: &row.verdict,
            first_verdict: &row.first_verdict,
            cause: &row.cause,
            version: row.version,
        }
    }
}

pub struct Clock {
    root_id: Box<str>,
    /// None where it runs for the root itself.
    object_id: Option<Box<str>>,
    root_type: Word,
    object_type: Word,
    definition: Word,
    policy: Word,
    kind: Word,
    system: Word,
    customer: Word,
    warehouse: Word,
    carrier: Word,
    cause: Word,
    verdict: Word,
    first_verdict: Word,
    due_ms: i64,
    version: u64,
}

impl Clock {
    fn object_id(&self) -> &str {
        self.object_id.as_deref().unwrap_or(&self.root_id)
    }

    /// As the cursor has it.
    fn name(&self, words: &Words) -> String {
        format!("{} {}/{}", words.word(self.policy), words.word(self.object_type), self.object_id())
    }
}

impl Named for Clock {
    fn hash(&self) -> u64 {
        hash((&self.root_id, self.policy, self.object_id(), self.definition, self.root_type, self.object_type))
    }
    fn is(&self, other: &Self) -> bool {
        let numbers = |c: &Self| (c.policy, c.definition, c.root_type, c.object_type);
        numbers(self) == numbers(other) && self.root_id == other.root_id && self.object_id() == other.object_id()
    }
    fn version(&self) -> u64 {
        self.version
    }
}

/// A clock that ended lately.
pub struct Ended {
    /// Of its names.
    key: u128,
    /// When it ended or fell due, whichever came first.
    told_ms: i64,
    due_ms: i64,
    verdict: Word,
    cause: Word,
    system: Word,
    customer: Word,
    version: u64,
}

impl Ended {
    fn key(seen: &Seen<'_>) -> u128 {
        let mut hasher = xxhash3_128::Hasher::new();
        let names = [seen.root_type, seen.root_id, seen.definition, seen.policy, seen.object_type, seen.object_id];
        for name in names {
            hasher.write(&(name.len() as u64).to_le_bytes());
            hasher.write(name.as_bytes());
        }
        hasher.finish_128()
    }

    /// Whether a board of today may still tell of it, whichever the reader's zone.
    fn is_told(told_ms: i64, due_ms: i64) -> bool {
        let told = Told::now();
        told_ms >= told.since_ms || due_ms >= told.today_ms
    }
}

/// Of which ended clocks a board may tell.
pub struct Told {
    /// Those that ended since then,
    pub since_ms: i64,
    /// and those that fall due since then.
    pub today_ms: i64,
}

impl Told {
    pub fn now() -> Self {
        let now_ms = Utc::now().timestamp_millis();
        Self { since_ms: now_ms - TOLD_DAYS * DAY_MS, today_ms: now_ms - 2 * DAY_MS }
    }
}

impl Named for Ended {
    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
    fn hash(&self) -> u64 {
        self.key as u64
    }
    fn is(&self, other: &Self) -> bool {
        self.key == other.key
    }
    fn version(&self) -> u64 {
        self.version
    }
}

const DAY_MS: i64 = 86_400_000;
/// Days of which the board may tell.
const TOLD_DAYS: i64 = 9;
/// Ended clocks that are taken in before the old ones are let go.
const SWEEP: usize = 100_000;
/// Verdicts of which the board does not tell.
const UNTOLD: [&str; 2] = ["gone", "cancelled"];

#[derive(Default)]
pub struct Clocks {
    table: Table<Clock>,
    ended: Table<Ended>,
    /// Taken in since old ones were let go.
    since_sweep: usize,
}

impl Clocks {
    /// What ended lately; at the start.
    pub fn note_ended(&mut self, words: &mut Words, seen: &Seen<'_>) {
        let told_ms = seen.ended_ms.map_or(seen.due_ms, |ended| ended.min(seen.due_ms));
        let ended = Ended {
            key: Ended::key(seen),
            told_ms,
            due_ms: seen.due_ms,
            verdict: words.learn(seen.verdict),
            cause: words.learn(seen.cause),
            system: words.learn(seen.system),
            customer: words.learn(seen.customer),
            version: seen.version,
        };
        if UNTOLD.contains(&seen.verdict) || !Ended::is_told(told_ms, seen.due_ms) {
            self.ended.take(&ended);
            return;
        }
        self.ended.put(ended);
        self.since_sweep += 1;
        if self.since_sweep >= SWEEP {
            self.since_sweep = 0;
            self.ended.retain(|ended| Ended::is_told(ended.told_ms, ended.due_ms));
        }
    }

    pub fn note(&mut self, words: &mut Words, seen: &Seen<'_>, ended: bool) {
        let of_root = (seen.root_type, seen.root_id) == (seen.object_type, seen.object_id);
        let clock = Clock {
            root_id: seen.root_id.into(),
            object_id: (!of_root).then(|| seen.object_id.into()),
            root_type: words.learn(seen.root_type),
            object_type: words.learn(seen.object_type),
            definition: words.learn(seen.definition),
            policy: words.learn(seen.policy),
            kind: words.learn(seen.kind),
            system: words.learn(seen.system),
            customer: words.learn(seen.customer),
            warehouse: words.learn(seen.warehouse),
            carrier: words.learn(seen.carrier),
            cause: words.learn(seen.cause),
            verdict: words.learn(seen.verdict),
            first_verdict: words.learn(seen.first_verdict),
            due_ms: seen.due_ms,
            version: seen.version,
        };
        if ended {
            self.table.take(&clock);
            self.note_ended(words, seen);
        } else {
            // Most clocks run from their beginning on.
            if !self.ended.rows().is_empty() {
                let key = Ended::key(seen);
                let Clock { verdict, cause, system, customer, version, .. } = clock;
                self.ended.take(&Ended { key, told_ms: 0, due_ms: 0, verdict, cause, system, customer, version });
            }
            self.table.put(clock);
        }
    }

    /// How the clocks of some days stand; None for days that are not kept.
    pub fn board(&self, words: &Words, days: Days, whose: &Whose) -> Option<Vec<ClockCount>> {
        if days.since_ms < Told::now().since_ms {
            return None;
        }
        let late = [words.number("met_late"), words.number("breached")];
        let mut counts: FxHashMap<(i64, bool, Word, bool, Word), u64> = FxHashMap::default();
        let mut count = |told_ms: i64, due_ms: i64, verdict: Word, cause: Word, open: bool| {
            if told_ms >= days.tomorrow_ms || told_ms < days.since_ms && due_ms < days.today_ms {
                return;
            }
            let today = due_ms >= days.today_ms && due_ms < days.tomorrow_ms;
            let is_late = due_ms >= days.late_since_ms && late.contains(&verdict);
            let day = (told_ms - days.since_ms) / DAY_MS;
            *counts.entry((day, today, verdict, open, if is_late { cause } else { NONE })).or_default() += 1;
        };
        let (system, customer) = (Choice::one(words, &whose.system), Choice::one(words, &whose.customer));
        let own = |of: Word, whose: Word| !system.misses(of) && !customer.misses(whose);
        for c in self.table.rows().iter().filter(|c| own(c.system, c.customer)) {
            count(c.due_ms, c.due_ms, c.verdict, c.cause, true);
        }
        for c in self.ended.rows().iter().filter(|c| own(c.system, c.customer)) {
            count(c.told_ms, c.due_ms, c.verdict, c.cause, false);
        }
        let told = |((day, today, verdict, open, cause), count)| ClockCount {
            day,
            today,
            verdict: words.word(verdict).to_owned(),
            open,
            late_cause: words.word(cause).to_owned(),
            count,
        };
        let mut found: Vec<ClockCount> = counts.into_iter().map(told).collect();
        found.sort_by(|a, b| {
            (a.day, a.today, &a.verdict, a.open, &a.late_cause).cmp(&(
                b.day,
                b.today,
                &b.verdict,
                b.open,
                &b.late_cause,
            ))
        });
        Some(found)
    }

    pub fn len(&self) -> usize {
        self.table.rows().len()
    }

    /// Root, policy and object of a page.
    pub fn page(&self, words: &Words, filter: &SlaFilter, after: Option<&Place>, limit: usize) -> Vec<(Names, String)> {
        let test = Test::new(words, filter);
        let value = |clock: &Clock| if filter.newest { -clock.due_ms } else { clock.due_ms };
        let after = after.map(|p| (p.value, (p.kind.as_str(), p.id.as_str(), p.also.clone())));
        let rows = self.table.rows().iter().filter(|clock| test.hits(clock));
        let found = first(rows, value, |c| (words.word(c.root_type), &*c.root_id, c.name(words)), after, limit);
        let name = |clock: &Clock| {
            let root = Names {
                kind: words.word(clock.root_type).to_owned(),
                id: clock.root_id.to_string(),
                also: words.word(clock.definition).to_owned(),
            };
            (root, clock.name(words))
        };
        found.into_iter().map(name).collect()
    }

    pub fn counts(&self, words: &Words, filter: &SlaFilter) -> Vec<VerdictCount> {
        let test = Test::new(words, filter);
        let mut counts: FxHashMap<Word, u64> = FxHashMap::default();
        self.table
            .rows()
            .iter()
            .filter(|clock| test.hits(clock))
            .for_each(|clock| *counts.entry(clock.verdict).or_default() += 1);
        let count = |(verdict, count)| VerdictCount { verdict: words.word(verdict).to_owned(), count };
        let mut counts: Vec<VerdictCount> = counts.into_iter().map(count).collect();
        counts.sort_by(|a, b| a.verdict.cmp(&b.verdict));
        counts
    }

    /// How the clocks of each policy stand.
    pub fn policies(&self, words: &Words) -> Vec<PolicyOpen> {
        let (open, at_risk, breached) = (words.number("open"), words.number("at_risk"), words.number("breached"));
        let mut policies: FxHashMap<(Word, Word), PolicyOpen> = FxHashMap::default();
        for clock in self.table.rows() {
            let known = policies.entry((clock.definition, clock.policy)).or_insert_with(|| PolicyOpen {
                definition: words.word(clock.definition).to_owned(),
                policy: words.word(clock.policy).to_owned(),
                on_track: 0,
                at_risk: 0,
                breached: 0,
                next_ms: i64::MAX,
            });
            known.on_track += u64::from(clock.verdict == open);
            known.at_risk += u64::from(clock.verdict == at_risk);
            known.breached += u64::from(clock.verdict == breached);
            known.next_ms = known.next_ms.min(clock.due_ms);
        }
        let mut policies: Vec<PolicyOpen> = policies.into_values().collect();
        policies.sort_by(|a, b| (&a.definition, &a.policy).cmp(&(&b.definition, &b.policy)));
        policies
    }
}

/// A filter in numbers.
struct Test {
    choices: [Choice; 10],
    period: Period,
}

impl Test {
    fn new(words: &Words, filter: &SlaFilter) -> Self {
        let one = |word: &str| Choice::one(words, word);
        Self {
            choices: [
                Choice::one_of(words, &filter.verdict),
                one(&filter.first),
                one(&filter.policy),
                one(&filter.definition),
                one(&filter.kind),
                one(&filter.system),
                one(&filter.customer),
                one(&filter.warehouse),
                one(&filter.carrier),
                one(&filter.cause),
            ],
            period: Period::new(filter.from_ms, filter.to_ms),
        }
    }

    fn hits(&self, clock: &Clock) -> bool {
        let properties = [
            clock.verdict,
            clock.first_verdict,
            clock.policy,
            clock.definition,
            clock.kind,
            clock.system,
            clock.customer,
            clock.warehouse,
            clock.carrier,
            clock.cause,
        ];
        self.period.holds(clock.due_ms)
            && self.choices.iter().zip(properties).all(|(choice, word)| !choice.misses(word))
    }
}
