//! Which events were taken before: their ids, with a hash of what they said. Bounded: the newest ids are remembered,
//! older ones are caught by the store, where the same event replaces itself.

use std::hash::{DefaultHasher, Hash, Hasher};

use milepost_ingest::{DeadLetter, Event};
use rustc_hash::FxHashMap;
use serde_json::Value;
use twox_hash::XxHash64;

/// Two generations; when the younger is full the older is forgotten.
pub struct Seen {
    young: FxHashMap<u128, u64>,
    old: FxHashMap<u128, u64>,
    generation: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    New,
    Duplicate,
    /// Same id, other content.
    Conflict,
}

impl Seen {
    /// Remembers at least `ids` ids, at most twice as many.
    pub fn new(ids: usize) -> Self {
        Self { young: FxHashMap::default(), old: FxHashMap::default(), generation: ids.max(1) }
    }

    /// Judges an event and remembers it when it is new.
    pub fn judge(&mut self, key: u128, content: u64) -> Verdict {
        match self.young.get(&key).or_else(|| self.old.get(&key)) {
            Some(known) if *known == content => Verdict::Duplicate,
            Some(_) => Verdict::Conflict,
            None => {
                self.remember(key, content);
                Verdict::New
            }
        }
    }

    pub fn remember(&mut self, key: u128, content: u64) {
        if self.young.len() >= self.generation {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, content);
    }

    /// Takes back what was remembered for an event that did not reach the disk.
    pub fn forget(&mut self, key: u128) {
        self.young.remove(&key);
        self.old.remove(&key);
    }
}

/// Identity of an event: tenant, source and id.
pub fn key(tenant: &str, source: &str, id: &str) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, tenant, source, id).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// Identity of a dead letter: written otherwise it is another one, since it failed again.
pub fn letter_key(tenant: &str, source: &str, letter: &DeadLetter) -> u128 {
    key(tenant, source, &format!("dead-letter/{}/{:x}", letter.id, letter.content))
}

/// A hash of what an event says, apart from where it stood in its payload and how it was traced. Kept with the event
/// in the store, so the function must not change: XXH64 of the parts.
pub fn content(event: &Event) -> u64 {
    let mut hasher = XxHash64::with_seed(0);
    (&event.kind, event.schema_version, &event.object, &event.refs).hash(&mut hasher);
    // An act that is asked for again is made again, a moment later, and is still the same.
    if event.system != milepost_ingest::ACTING_SYSTEM {
        event.occurred_at.timestamp_micros().hash(&mut hasher);
    }
    for (name, value) in &event.data {
        name.hash(&mut hasher);
        hash_value(value, &mut hasher);
    }
    hasher.finish()
}

fn hash_value(value: &Value, hasher: &mut XxHash64) {
    match value {
        Value::Null => 0_u8.hash(hasher),
        Value::Bool(b) => b.hash(hasher),
        Value::Number(n) => n.as_str().hash(hasher),
        Value::String(s) => s.hash(hasher),
        Value::Array(items) => {
            items.len().hash(hasher);
            items.iter().for_each(|item| hash_value(item, hasher));
        }
        Value::Object(fields) => {
            fields.len().hash(hasher);
            for (name, field) in fields {
                name.hash(hasher);
                hash_value(field, hasher);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Seen, Verdict, key};

    #[test]
    fn the_same_id_with_other_content_is_a_conflict() {
        let mut seen = Seen::new(10);
        let id = key("acme", "erp", "1");
        assert_eq!(seen.judge(id, 7), Verdict::New);
        assert_eq!(seen.judge(id, 7), Verdict::Duplicate);
        assert_eq!(seen.judge(id, 8), Verdict::Conflict);
        assert_eq!(seen.judge(key("other", "erp", "1"), 8), Verdict::New);
    }

    #[test]
    fn the_newest_ids_are_remembered_and_memory_is_bounded() {
        let mut seen = Seen::new(100);
        for id in 0..1_000_u128 {
            seen.judge(id, 0);
        }
        assert!((900..1_000).all(|id| seen.judge(id, 0) == Verdict::Duplicate));
        assert!(seen.young.len() + seen.old.len() <= 200);
    }
}
