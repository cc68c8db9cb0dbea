//! Which objects of a tenant are in memory, and which in the store only. A root may be here while what hangs from it is not:
//! then nothing is said of its workflow.

use std::collections::VecDeque;

use milepost_ingest::ObjectRef;
use rustc_hash::FxHashSet;

use super::raised::hash_of;

#[derive(Default)]
pub struct Residence {
    /// Hashes of objects that are in the store and not in memory: described there, or named by something that is.
    stored: FxHashSet<u64>,
    /// Hashes of roots that are in memory while what hangs from them may not be.
    partial: FxHashSet<u64>,
    /// These by name, the first that came first: they may leave memory again.
    guests: VecDeque<ObjectRef>,
    /// Those of them that are open: what hangs from them comes with all that is open.
    coming: FxHashSet<u64>,
}

impl Residence {
    /// Notes an object that is in the store only, by the hash of its name.
    pub fn note_stored(&mut self, name: u64) {
        self.stored.insert(name);
    }

    /// Whether an object is in the store only.
    pub fn is_away(&self, object: &ObjectRef) -> bool {
        !self.stored.is_empty() && self.stored.contains(&hash_of(object))
    }

    /// Whether all that is said of a workflow can be said from memory.
    pub fn is_whole(&self, root: &ObjectRef) -> bool {
        if self.stored.is_empty() && self.partial.is_empty() {
            return true;
        }
        let hash = hash_of(root);
        !self.stored.contains(&hash) && !self.partial.contains(&hash)
    }

    /// An object was read back. What hangs from a root may still be away.
    pub fn arrive(&mut self, object: &ObjectRef, is_root: bool) {
        let hash = hash_of(object);
        self.stored.remove(&hash);
        if is_root && self.partial.insert(hash) {
            self.guests.push_back(object.clone());
        }
    }

    /// Everything of a workflow is in memory.
    pub fn complete(&mut self, root: &ObjectRef) {
        self.partial.remove(&hash_of(root));
    }

    /// Whether what comes with all that is open is news of an object: what was read back meanwhile is known already.
    pub fn awaits(&mut self, object: &ObjectRef) -> bool {
        let hash = hash_of(object);
        if self.partial.contains(&hash) {
            self.coming.insert(hash);
        }
        self.stored.contains(&hash)
    }

    /// All that is open is in memory: everything under these names.
    pub fn all_came(&mut self, names: impl Iterator<Item = ObjectRef>) {
        for name in names {
            self.stored.remove(&hash_of(&name));
        }
        for root in std::mem::take(&mut self.coming) {
            self.partial.remove(&root);
        }
    }

    /// A root of which no workflow is in memory and that may leave, the first that came.
    pub fn guest(&mut self) -> Option<ObjectRef> {
        while let Some(guest) = self.guests.pop_front() {
            let hash = hash_of(&guest);
            if !self.coming.contains(&hash) && self.partial.remove(&hash) {
                return Some(guest);
            }
        }
        None
    }
}
