//! The items of a job that is going on. Every change of one goes through here, so that the counts and the list of what
//! awaits its effect are there without looking through all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::job::item;
use crate::store::replays::ReplayItemRow;

#[derive(Debug, Default)]
pub struct Items {
    rows: Vec<ReplayItemRow>,
    counts: BTreeMap<&'static str, usize>,
    /// What was sent and is to show an effect, by the time by which it must.
    awaiting: BTreeSet<(i64, usize)>,
    /// What showed no effect in time. It may come late.
    silent: BTreeSet<usize>,
}

/// The state's own name: other words than the known ones count as waiting.
fn known(state: &str) -> &'static str {
    item::ALL.into_iter().find(|known| *known == state).unwrap_or(item::WAITING)
}

impl Items {
    pub fn new(rows: Vec<ReplayItemRow>) -> Self {
        let mut items = Self { rows, ..Self::default() };
        for at in 0..items.rows.len() {
            items.enter(at);
        }
        items
    }

    pub fn rows(&self) -> &[ReplayItemRow] {
        &self.rows
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn get(&self, at: usize) -> Option<&ReplayItemRow> {
        self.rows.get(at)
    }

    /// Changes one; a place that there is not changes nothing.
    pub fn change<T: Default>(&mut self, at: usize, change: impl FnOnce(&mut ReplayItemRow) -> T) -> T {
        if at >= self.rows.len() {
            return T::default();
        }
        self.leave(at);
        let done = change(&mut self.rows[at]);
        self.enter(at);
        done
    }

    /// How many are in one of these states.
    pub fn count(&self, states: &[&str]) -> usize {
        states.iter().filter_map(|state| self.counts.get(state)).sum()
    }

    pub fn counts(&self) -> impl Iterator<Item = (&'static str, usize)> {
        item::ALL.into_iter().map(|state| (state, self.counts.get(state).copied().unwrap_or(0)))
    }

    /// Those that have come to no end and are not out.
    pub fn open(&self) -> usize {
        self.count(&[item::WAITING, item::RETRYING])
    }

    pub fn awaits_effects(&self) -> bool {
        !self.awaiting.is_empty()
    }

    /// Some that await their effect, those behind the place `after` first, so that all are looked at in turn. With
    /// where to go on.
    pub fn awaiting(&self, after: (i64, usize), most: usize) -> (Vec<ReplayItemRow>, (i64, usize)) {
        let behind = self.awaiting.range((Bound::Excluded(after), Bound::Unbounded));
        let before = self.awaiting.range((Bound::Unbounded, Bound::Included(after)));
        let places: Vec<(i64, usize)> = behind.chain(before).take(most).copied().collect();
        let next = places.last().copied().unwrap_or_default();
        (places.into_iter().map(|(_, at)| self.rows[at].clone()).collect(), next)
    }

    /// Some that showed no effect in time, those behind the place `after` first. With where to go on.
    pub fn silent(&self, after: usize, most: usize) -> (Vec<ReplayItemRow>, usize) {
        let behind = self.silent.range((Bound::Excluded(after), Bound::Unbounded));
        let before = self.silent.range((Bound::Unbounded, Bound::Included(after)));
        let places: Vec<usize> = behind.chain(before).take(most).copied().collect();
        let next = places.last().copied().unwrap_or_default();
        (places.into_iter().map(|at| self.rows[at].clone()).collect(), next)
    }

    /// Places of those whose effect should have been seen by now.
    pub fn overdue(&self, now_ms: i64) -> Vec<usize> {
        self.awaiting.range(..=(now_ms, usize::MAX)).map(|(_, at)| *at).collect()
    }

    fn enter(&mut self, at: usize) {
        let row = &self.rows[at];
        *self.counts.entry(known(&row.state)).or_default() += 1;
        if row.state == item::SENT && row.due_ms > 0 {
            self.awaiting.insert((row.due_ms, at));
        }
        if row.state == item::NO_EFFECT {
            self.silent.insert(at);
        }
    }

    fn leave(&mut self, at: usize) {
        let row = &self.rows[at];
        if let Some(count) = self.counts.get_mut(known(&row.state)) {
            *count -= 1;
        }
        self.awaiting.remove(&(row.due_ms, at));
        self.silent.remove(&at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(state: &str, due_ms: i64) -> ReplayItemRow {
        ReplayItemRow { state: state.to_owned(), due_ms, ..ReplayItemRow::default() }
    }

    proptest! {
        #[test]
        fn counts_are_those_of_a_look_through_all(
            begin in prop::collection::vec((0_usize..8, 0_i64..5), 1..30),
            turns in prop::collection::vec((0_usize..30, 0_usize..8, 0_i64..5), 0..60),
            now_ms in 0_i64..6,
        ) {
            let mut items = Items::new(begin.iter().map(|(state, due)| row(item::ALL[*state], *due)).collect());
            for (at, state, due_ms) in turns {
                items.change(at, |row| (row.state, row.due_ms) = (item::ALL[state].to_owned(), due_ms));
            }
            for state in item::ALL {
                let all = items.rows().iter().filter(|row| row.state == state).count();
                prop_assert_eq!(items.count(&[state]), all);
            }
            let awaits = |row: &&ReplayItemRow| row.state == item::SENT && row.due_ms > 0;
            let all = items.rows().iter().filter(awaits).count();
            prop_assert_eq!(items.awaits_effects(), all > 0);
            prop_assert_eq!(items.awaiting((2, 3), usize::MAX).0.len(), all);
            let silent = items.rows().iter().filter(|row| row.state == item::NO_EFFECT).count();
            prop_assert_eq!(items.silent(3, usize::MAX).0.len(), silent);
            let overdue = items.rows().iter().filter(awaits).filter(|row| row.due_ms <= now_ms).count();
            prop_assert_eq!(items.overdue(now_ms).len(), overdue);
        }
    }

    #[test]
    fn all_that_await_are_looked_at_in_turn() {
        let items = Items::new((1..=5).map(|due| row(item::SENT, due)).collect());
        let dues = |rows: Vec<ReplayItemRow>| rows.iter().map(|row| row.due_ms).collect::<Vec<_>>();
        let (first, next) = items.awaiting((0, 0), 3);
        let (second, _) = items.awaiting(next, 3);
        assert_eq!((dues(first), dues(second)), (vec![1, 2, 3], vec![4, 5, 1]));
    }
}
