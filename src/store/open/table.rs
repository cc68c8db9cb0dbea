//! Rows in one piece of memory, without gaps, found by their names; and what lists ask of them: the first of an order.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use hashbrown::HashTable;

/// A row that is replaced by a newer one of the same names.
pub trait Named {
    /// Of its names.
    fn hash(&self) -> u64;
    /// Whether it has the same names.
    fn is(&self, other: &Self) -> bool;
    fn version(&self) -> u64;
}

pub struct Table<R> {
    rows: Vec<R>,
    places: HashTable<u32>,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), places: HashTable::new() }
    }
}

impl<R: Named> Table<R> {
    /// Takes a row in, unless a newer one is there. Gives the one that does not stay.
    pub fn put(&mut self, row: R) -> Put<R> {
        let hash = row.hash();
        if let Some(place) = self.place(hash, &row) {
            let old = &mut self.rows[place];
            if old.version() > row.version() {
                return Put::Older(row);
            }
            return Put::Replaced(std::mem::replace(old, row));
        }
        let place = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push(row);
        let rows = &self.rows;
        self.places.insert_unique(hash, place, |other| rows[*other as usize].hash());
        Put::New
    }

    /// Lets the row of the same names go, unless it is newer.
    pub fn take(&mut self, row: &R) -> Option<R> {
        let hash = row.hash();
        let place = self.place(hash, row)?;
        if self.rows[place].version() > row.version() {
            return None;
        }
        self.places.find_entry(hash, |other| *other as usize == place).ok()?.remove();
        let last = self.rows.len() - 1;
        if place != last {
            let moved = self.rows[last].hash();
            if let Some(other) = self.places.find_mut(moved, |other| *other as usize == last) {
                *other = u32::try_from(place).unwrap_or(u32::MAX);
            }
        }
        Some(self.rows.swap_remove(place))
    }

    /// Lets all go that are not to stay.
    pub fn retain(&mut self, stays: impl FnMut(&R) -> bool) {
        self.rows.retain(stays);
        self.places.clear();
        for (row, place) in self.rows.iter().zip(0_u32..) {
            let rows = &self.rows;
            self.places.insert_unique(row.hash(), place, |other| rows[*other as usize].hash());
        }
    }

    pub fn rows(&self) -> &[R] {
        &self.rows
    }

    fn place(&self, hash: u64, row: &R) -> Option<usize> {
        let same = |other: &u32| self.rows[*other as usize].is(row);
        self.places.find(hash, same).map(|place| *place as usize)
    }
}

pub enum Put<R> {
    New,
    Replaced(R),
    /// The row itself: a newer one is there.
    Older(R),
}

/// The first rows of an order behind a place: `value` is looked at first, and only where it does not decide, `names`.
pub fn first<'r, R, N: Ord>(
    rows: impl Iterator<Item = &'r R>,
    value: impl Fn(&R) -> i64,
    names: impl Fn(&'r R) -> N,
    after: Option<(i64, N)>,
    limit: usize,
) -> Vec<&'r R> {
    let mut found: BinaryHeap<Ranked<'r, R, N>> = BinaryHeap::with_capacity(limit + 1);
    for row in rows {
        let at = value(row);
        let full = found.len() >= limit;
        let last = found.peek().map(|ranked| ranked.value);
        if full && last.is_none_or(|last| at > last) || after.as_ref().is_some_and(|(from, _)| at < *from) {
            continue;
        }
        let ranked = Ranked { value: at, names: names(row), row };
        if after.as_ref().is_some_and(|(from, behind)| at == *from && ranked.names <= *behind) {
            continue;
        }
        found.push(ranked);
        if full {
            found.pop();
        }
    }
    found.into_sorted_vec().into_iter().map(|ranked| ranked.row).collect()
}

struct Ranked<'r, R, N> {
    value: i64,
    names: N,
    row: &'r R,
}

impl<R, N: Ord> Ord for Ranked<'_, R, N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value).then_with(|| self.names.cmp(&other.names))
    }
}

impl<R, N: Ord> PartialOrd for Ranked<'_, R, N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<R, N: Ord> PartialEq for Ranked<'_, R, N> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<R, N: Ord> Eq for Ranked<'_, R, N> {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Thing {
        name: u8,
        value: i64,
        version: u64,
    }

    impl Named for Thing {
        fn hash(&self) -> u64 {
            // Few buckets: names must be told apart where hashes are the same.
            u64::from(self.name % 4)
        }
        fn is(&self, other: &Self) -> bool {
            self.name == other.name
        }
        fn version(&self) -> u64 {
            self.version
        }
    }

    proptest! {
        /// Whatever is put in and taken out: the same rows as a map of the newest has, and the same first ones.
        #[test]
        fn a_table_agrees_with_a_plain_map(
            steps in proptest::collection::vec((any::<bool>(), 0..20_u8, 0..6_i64, 0..9_u64), 0..200),
            limit in 1..8_usize,
            after in proptest::option::of((0..6_i64, 0..20_u8)),
        ) {
            let mut table = Table::default();
            let mut model: BTreeMap<u8, Thing> = BTreeMap::new();
            for (put, name, value, version) in steps {
                let thing = Thing { name, value, version };
                let newer = model.get(&name).is_some_and(|known| known.version > version);
                if put {
                    table.put(thing.clone());
                    if !newer { model.insert(name, thing); }
                } else {
                    table.take(&thing);
                    if !newer { model.remove(&name); }
                }
                let mut held: Vec<Thing> = table.rows().to_vec();
                held.sort_by_key(|thing| thing.name);
                prop_assert_eq!(held, model.values().cloned().collect::<Vec<_>>());
            }
            let mut expected: Vec<Thing> = model.into_values().collect();
            expected.sort_by_key(|thing| (thing.value, thing.name));
            expected.retain(|thing| after.is_none_or(|place| (thing.value, thing.name) > place));
            expected.truncate(limit);
            let found = first(table.rows().iter(), |t| t.value, |t| t.name, after, limit);
            prop_assert_eq!(found, expected.iter().collect::<Vec<_>>());
        }
    }
}
