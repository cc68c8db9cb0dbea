//! The clock heap: for every open workflow the next moment at which time alone changes it. A million of them fit, so a
//! workflow's name is kept once, and the order holds only a time and a number.

use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use hashbrown::HashTable;
use milepost_ingest::ObjectRef;
use rustc_hash::{FxBuildHasher, FxHashMap};

#[derive(Default)]
pub struct Clocks {
    /// Time in milliseconds and slot, the next first.
    order: BTreeSet<(i64, u32)>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Slots by the name of their root.
    by_root: HashTable<u32>,
    /// One copy of each object type.
    kinds: FxHashMap<String, Arc<str>>,
}

struct Slot {
    kind: Arc<str>,
    id: Box<str>,
    at_ms: i64,
}

impl Clocks {
    /// Sets, moves or (with None) stops the clock of a workflow.
    pub fn set(&mut self, root: &ObjectRef, at: Option<DateTime<Utc>>) {
        match (self.slot(root), at) {
            (Some(slot), Some(at)) => {
                let at_ms = at.timestamp_millis();
                let old = std::mem::replace(&mut self.slots[slot as usize].at_ms, at_ms);
                if old != at_ms {
                    self.order.remove(&(old, slot));
                    self.order.insert((at_ms, slot));
                }
            }
            (Some(slot), None) => self.stop(slot, root),
            (None, Some(at)) => self.start(root, at.timestamp_millis()),
            (None, None) => {}
        }
    }

    /// Workflows whose clocks have run out by now, the longest ago first, at most so many. They stay until set anew.
    pub fn due(&self, now: DateTime<Utc>, limit: usize) -> Vec<ObjectRef> {
        let now_ms = now.timestamp_millis();
        let due = self.order.iter().take_while(|(at_ms, _)| *at_ms <= now_ms).take(limit);
        due.map(|(_, slot)| {
            let slot = &self.slots[*slot as usize];
            ObjectRef::new(&*slot.kind, &*slot.id)
        })
        .collect()
    }

    pub fn next(&self) -> Option<DateTime<Utc>> {
        self.order.first().and_then(|(at_ms, _)| DateTime::from_timestamp_millis(*at_ms))
    }

    pub fn len(&self) -> usize {
        self.order.len()
    }

    fn slot(&self, root: &ObjectRef) -> Option<u32> {
        let same = |slot: &u32| {
            let slot = &self.slots[*slot as usize];
            *slot.id == *root.id && *slot.kind == *root.kind
        };
        self.by_root.find(hash(&root.kind, &root.id), same).copied()
    }

    fn start(&mut self, root: &ObjectRef, at_ms: i64) {
        let kind = match self.kinds.get(&root.kind) {
            Some(kind) => Arc::clone(kind),
            None => {
                let kind: Arc<str> = root.kind.as_str().into();
                self.kinds.insert(root.kind.clone(), Arc::clone(&kind));
                kind
            }
        };
        let filled = Slot { kind, id: root.id.as_str().into(), at_ms };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = filled;
                slot
            }
            None => {
                let Ok(slot) = u32::try_from(self.slots.len()) else { return };
                self.slots.push(filled);
                slot
            }
        };
        let slots = &self.slots;
        let rehash = |slot: &u32| hash(&slots[*slot as usize].kind, &slots[*slot as usize].id);
        self.by_root.insert_unique(hash(&root.kind, &root.id), slot, rehash);
        self.order.insert((at_ms, slot));
    }

    fn stop(&mut self, slot: u32, root: &ObjectRef) {
        if let Ok(entry) = self.by_root.find_entry(hash(&root.kind, &root.id), |other| *other == slot) {
            entry.remove();
        }
        let gone = &mut self.slots[slot as usize];
        self.order.remove(&(gone.at_ms, slot));
        gone.id = Box::default();
        self.free.push(slot);
    }
}

fn hash(kind: &str, id: &str) -> u64 {
    FxBuildHasher.hash_one((kind, id))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(ms).unwrap()
    }

    proptest! {
        /// Whatever is set, moved and stopped: the same as a map of names to times.
        #[test]
        fn clocks_agree_with_a_plain_map(steps in proptest::collection::vec((0..20_u8, proptest::option::of(0..100_i64)), 0..300)) {
            let mut clocks = Clocks::default();
            let mut model: BTreeMap<ObjectRef, i64> = BTreeMap::new();
            for (name, ms) in steps {
                let root = ObjectRef::new(if name % 2 == 0 { "order" } else { "load" }, name.to_string());
                clocks.set(&root, ms.map(at));
                match ms {
                    Some(ms) => drop(model.insert(root, ms)),
                    None => drop(model.remove(&root)),
                }
                prop_assert_eq!(clocks.len(), model.len());
                prop_assert_eq!(clocks.next(), model.values().min().map(|ms| at(*ms)));
                let mut due: Vec<ObjectRef> = clocks.due(at(50), usize::MAX);
                due.sort();
                let expected: Vec<ObjectRef> = model.iter().filter(|(_, ms)| **ms <= 50).map(|(root, _)| root.clone()).collect();
                prop_assert_eq!(due, expected);
            }
        }
    }
}
