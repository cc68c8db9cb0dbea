//! The graph of objects of one tenant. An object's state is the set of its facts; links come from facts. Both only
//! ever grow by union, so the graph after a set of events is the same in whatever order and however often they came.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use milepost_ingest::ObjectRef;
use rustc_hash::{FxHashMap, FxHashSet};

use super::fact::{Fact, effective};
use super::{Definition, Definitions};

/// A workflow is cut off here; the page says so.
pub const MAX_MEMBERS: usize = 2_000;
/// An object that belongs to more workflows than this is shown, but does not drive all of them.
pub const MAX_ROOTS: usize = 10_000;

/// Object types that stand for themselves and wait for nothing.
const STANDALONE: [&str; 6] = ["customer", "item", "location", "carrier", "message", "event"];

#[derive(Debug, Default)]
pub struct Graph {
    objects: FxHashMap<ObjectRef, Object>,
    /// One copy of each source, type and system name.
    names: FxHashSet<Arc<str>>,
}

#[derive(Debug, Default)]
pub struct Object {
    /// In canonical order, without repeats.
    facts: Vec<Fact>,
    /// Objects that its effective facts name.
    outgoing: BTreeSet<ObjectRef>,
    /// Objects whose effective facts name it.
    incoming: BTreeSet<ObjectRef>,
    /// What the reader of the graph last made of it; not part of state.
    mark: u64,
}

impl Object {
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    pub fn effective(&self) -> Cow<'_, [Fact]> {
        effective(&self.facts)
    }

    /// What holds, parted into what systems reported and what people, keys and rules did.
    pub fn told(&self) -> (Cow<'_, [Fact]>, Vec<Fact>) {
        if !self.facts.iter().any(Fact::is_act) {
            return (self.effective(), Vec::new());
        }
        let (acts, facts) = self.effective().into_owned().into_iter().partition(Fact::is_act);
        (Cow::Owned(facts), acts)
    }

    /// Has had something reported about itself, rather than only been named or acted on.
    pub fn speaks(&self) -> bool {
        self.facts.iter().any(|f| !f.is_act())
    }

    pub fn is_linked(&self, other: &ObjectRef) -> bool {
        self.outgoing.contains(other) || self.incoming.contains(other)
    }

    pub fn links(&self) -> impl Iterator<Item = &ObjectRef> {
        self.outgoing.union(&self.incoming)
    }
}

/// Whether an object hangs from something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Root objects of the workflows that it belongs to.
    Joined(Vec<ObjectRef>),
    /// Master data and the like.
    Alone,
    /// Hangs from nothing yet; what it waits for, `order/SO-1` or only `order`.
    Held(String),
}

impl Graph {
    pub fn get(&self, object: &ObjectRef) -> Option<&Object> {
        self.objects.get(object)
    }

    pub fn len(&self) -> usize {
        self.objects.len()
    }

    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Adds a fact to an object. False if it was there already.
    pub fn add(&mut self, key: &ObjectRef, mut fact: Fact) -> bool {
        for name in [&mut fact.source, &mut fact.kind, &mut fact.system] {
            match self.names.get(name) {
                Some(known) => *name = Arc::clone(known),
                None => {
                    self.names.insert(Arc::clone(name));
                }
            }
        }
        let object = self.objects.entry(key.clone()).or_default();
        if object.facts.iter().any(|f| f.id == fact.id && f.source == fact.source) {
            return false;
        }
        let at = object.facts.partition_point(|f| f.order() < fact.order());
        let amends = fact.is_amendment();
        let named: Vec<ObjectRef> = fact.refs.iter().filter(|r| *r != key).cloned().collect();
        let voided = object.facts.iter().any(|f| f.detail.names.as_deref() == Some(&*fact.id));
        object.facts.insert(at, fact);
        if amends || voided {
            self.relink(key);
        } else {
            self.link(key, named);
        }
        true
    }

    fn link(&mut self, key: &ObjectRef, named: Vec<ObjectRef>) {
        for other in named {
            let new = self.objects.get_mut(key).is_some_and(|o| o.outgoing.insert(other.clone()));
            if new {
                self.objects.entry(other).or_default().incoming.insert(key.clone());
            }
        }
    }

    /// A void takes its event's links away again.
    fn relink(&mut self, key: &ObjectRef) {
        let Some(object) = self.objects.get_mut(key) else { return };
        let wanted: BTreeSet<ObjectRef> =
            effective(&object.facts).iter().flat_map(|f| f.refs.iter()).filter(|r| *r != key).cloned().collect();
        let before = std::mem::replace(&mut object.outgoing, wanted.clone());
        for gone in before.difference(&wanted) {
            if let Some(other) = self.objects.get_mut(gone) {
                other.incoming.remove(key);
            }
        }
        for new in wanted.difference(&before) {
            self.objects.entry(new.clone()).or_default().incoming.insert(key.clone());
        }
    }

    /// Notes what was last made of an object; false when it was the same before.
    pub fn remark(&mut self, key: &ObjectRef, mark: u64) -> bool {
        self.objects.get_mut(key).is_some_and(|o| std::mem::replace(&mut o.mark, mark) != mark)
    }

    /// All roots of a definition that said something.
    pub fn all_roots(&self, definition: &Definition) -> Vec<ObjectRef> {
        let is_root = |(key, object): &(&ObjectRef, &Object)| key.kind == definition.root && object.speaks();
        self.objects.iter().filter(is_root).map(|(key, _)| key.clone()).collect()
    }

    pub fn keys(&self) -> impl Iterator<Item = &ObjectRef> {
        self.objects.keys()
    }

    /// Forgets an object that is safe in the store. What others say about it stays with them.
    pub fn evict(&mut self, key: &ObjectRef) {
        self.objects.remove(key);
    }

    /// After an object was read back: takes up the links that others kept to it meanwhile.
    pub fn adopt(&mut self, key: &ObjectRef, neighbours: impl IntoIterator<Item = ObjectRef>) {
        for other in neighbours {
            if self.objects.get(&other).is_some_and(|o| o.outgoing.contains(key)) {
                self.objects.entry(key.clone()).or_default().incoming.insert(other);
            }
        }
    }

    /// Everything that hangs from `root` by the definition, nearest first, the root itself first, with its distance.
    pub fn members(&self, definition: &Definition, root: &ObjectRef) -> Vec<(ObjectRef, u32)> {
        self.walk(root, |from, to| definition.reaches(from, to), MAX_MEMBERS)
    }

    /// Everything that any definition reaches from `object`, itself first: what changes when its standing changes.
    pub fn below(&self, definitions: &Definitions, object: &ObjectRef) -> Vec<ObjectRef> {
        let reaches = |from: &str, to: &str| definitions.iter().any(|d| d.reaches(from, to));
        self.walk(object, reaches, MAX_MEMBERS).into_iter().map(|(o, _)| o).collect()
    }

    /// Roots with facts of their own from which `object` can be reached.
    pub fn roots(&self, definition: &Definition, object: &ObjectRef) -> Vec<ObjectRef> {
        let above = self.walk(object, |from, to| definition.reaches(to, from), MAX_ROOTS);
        above.into_iter().map(|(o, _)| o).filter(|o| o.kind == definition.root && self.speaks(o)).collect()
    }

    pub fn standing(&self, definitions: &Definitions, object: &ObjectRef) -> Standing {
        let concerned = definitions.iter().filter(|d| d.concerns(&object.kind));
        let mut roots: Vec<ObjectRef> = concerned.flat_map(|d| self.roots(d, object)).collect();
        if !roots.is_empty() {
            roots.sort();
            roots.dedup();
            return Standing::Joined(roots);
        }
        let parents = |kind: &str| definitions.iter().find(|d| d.reach.values().flatten().any(|k| k == kind));
        if STANDALONE.contains(&object.kind.as_str()) || definitions.of_root(&object.kind).is_some() {
            return Standing::Alone;
        }
        let Some(definition) = parents(&object.kind) else { return Standing::Alone };
        let above = self.walk(object, |from, to| definition.reaches(to, from), MAX_ROOTS);
        let farthest = above.iter().skip(1).filter(|(o, _)| !self.speaks(o)).max_by_key(|(_, depth)| *depth);
        Standing::Held(farthest.map_or_else(|| definition.root.clone(), |(o, _)| o.to_string()))
    }

    /// Has said something of its own, rather than only been named by others.
    fn speaks(&self, object: &ObjectRef) -> bool {
        self.objects.get(object).is_some_and(Object::speaks)
    }

    /// Breadth first over links that `follow` allows; neighbours in their natural order, so that the result depends
    /// on the graph only.
    fn walk(&self, start: &ObjectRef, follow: impl Fn(&str, &str) -> bool, limit: usize) -> Vec<(ObjectRef, u32)> {
        let mut seen: FxHashSet<&ObjectRef> = FxHashSet::default();
        let mut found: Vec<(&ObjectRef, u32)> = vec![(start, 0)];
        seen.insert(start);
        let mut next = 0;
        while next < found.len() && found.len() < limit {
            let (here, depth) = found[next];
            next += 1;
            let Some(object) = self.objects.get(here) else { continue };
            for other in object.links() {
                if follow(&here.kind, &other.kind) && seen.insert(other) {
                    found.push((other, depth + 1));
                }
            }
        }
        found.truncate(limit);
        found.into_iter().map(|(o, d)| (o.clone(), d)).collect()
    }
}
