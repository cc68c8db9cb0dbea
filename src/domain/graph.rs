//! The graph of objects of one tenant. An object's state is the set of its facts; links come from facts. Both only
//! ever grow by union, so the graph after a set of events is the same in whatever order and however often they came.
//! Facts are kept packed, names by number: a hundred thousand open orders are held in memory.

mod kin;
mod packed;
mod walk;

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use chrono::{DateTime, Utc};
use hashbrown::HashTable;
use milepost_ingest::ObjectRef;
use rustc_hash::{FxHashSet, FxHasher};

use self::kin::Kin;
use self::packed::Words;
use super::fact::{Fact, effective};
use super::{Definition, Definitions};
pub(in crate::domain) use walk::Parts;
pub use walk::{Standing, stands_alone};

#[derive(Debug, Default)]
pub struct Graph {
    index: HashTable<u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    kinds: Vec<Box<str>>,
    words: Words,
    kin: Kin,
    /// Objects whose standing changed though nothing was said about them: joined, parted, merged, cut off.
    disturbed: FxHashSet<u32>,
    room: Vec<u8>,
}

/// One name with what was said under it.
#[derive(Debug, Default)]
struct Slot {
    id: Box<str>,
    packed: Vec<u8>,
    /// Slots that its facts name.
    outgoing: Vec<Link>,
    /// Slots whose facts name it.
    incoming: Vec<Link>,
    /// What the reader of the graph last made of it; not part of state.
    mark: u64,
    kind: u16,
    flags: u16,
    facts: u32,
    acts: u32,
}

/// There are voids or corrections among its facts.
const AMENDED: u16 = 1;
/// It is one object with other names.
const JOINED: u16 = 1 << 1;
/// Somebody's alias: who is meant depends on who speaks.
const CLAIMED: u16 = 1 << 2;
/// People linked or unlinked it by hand.
const HANDLED: u16 = 1 << 3;
/// Its facts are in the store only.
const EVICTED: u16 = 1 << 4;
const FREE: u16 = 1 << 5;
/// A number that is somebody's only in one system or for one partner: `wms:W-7`.
const QUALIFIED: u16 = 1 << 6;

/// The other end of a link, and whether only facts that hold no more named it. Sorted by slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Link(u32);

impl Link {
    fn new(slot: u32, lapsed: bool) -> Self {
        Self(slot << 1 | u32::from(lapsed))
    }

    fn slot(self) -> u32 {
        self.0 >> 1
    }

    fn lapsed(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Puts a link in, or changes whether it lapsed. False when it was there just so.
fn enter(links: &mut Vec<Link>, link: Link) -> bool {
    match links.binary_search_by_key(&link.slot(), |l| l.slot()) {
        Ok(at) if links[at] == link => false,
        Ok(at) => {
            links[at] = link;
            true
        }
        Err(at) => {
            if links.capacity() == links.len() {
                links.reserve_exact(1 + links.len() / 2);
            }
            links.insert(at, link);
            true
        }
    }
}

fn leave(links: &mut Vec<Link>, slot: u32) {
    if let Ok(at) = links.binary_search_by_key(&slot, |l| l.slot()) {
        links.remove(at);
    }
}

/// A view of one object: all names that it goes by, and what was said under any of them.
#[derive(Clone, Copy)]
pub struct Object<'g> {
    graph: &'g Graph,
    slot: u32,
}

impl Object<'_> {
    /// Everything that was said, in canonical order, without repeats; links are left out.
    pub fn facts(&self) -> Vec<Fact> {
        self.read(false)
    }

    pub fn facts_with_links(&self) -> Vec<Fact> {
        self.read(true)
    }

    fn read(&self, with_refs: bool) -> Vec<Fact> {
        let mut facts = Vec::with_capacity(self.count());
        self.graph.names_of(self.slot).iter().for_each(|s| self.graph.unpack_into(*s, with_refs, &mut facts));
        // Mostly they came in their order.
        if !facts.is_sorted_by(|a, b| a.order() <= b.order()) {
            facts.sort_by(|a, b| a.order().cmp(&b.order()));
        }
        facts
    }

    /// Whether there are voids or corrections among its facts.
    pub fn is_amended(&self) -> bool {
        self.graph.names_of(self.slot).iter().any(|s| self.graph.slots[*s as usize].flags & AMENDED != 0)
    }

    pub fn effective(&self) -> Vec<Fact> {
        effective(self.facts())
    }

    /// What holds, parted into what systems reported and what people, keys and rules did.
    pub fn told(&self) -> (Cow<'static, [Fact]>, Vec<Fact>) {
        let all = self.effective();
        if !self.has_acts() {
            return (Cow::Owned(all), Vec::new());
        }
        let (acts, facts): (Vec<Fact>, Vec<Fact>) = all.into_iter().partition(Fact::is_act);
        (Cow::Owned(facts), acts)
    }

    /// Whether anybody did something about it.
    pub fn has_acts(&self) -> bool {
        self.graph.names_of(self.slot).iter().any(|s| self.graph.slots[*s as usize].acts > 0)
    }

    /// Has had something reported about itself, rather than only been named or acted on.
    pub fn speaks(&self) -> bool {
        self.graph.speaks(self.slot)
    }

    /// How many facts it has, voids and corrections counted.
    pub fn count(&self) -> usize {
        self.graph.names_of(self.slot).iter().map(|s| self.graph.slots[*s as usize].facts as usize).sum()
    }

    /// Whether it is linked with another object of the same graph.
    pub fn is_with(&self, other: &Object<'_>) -> bool {
        self.graph.linked(self.slot, other.slot)
    }

    /// When the first word was received that links the two, of objects that are known by one name each.
    pub fn with_since(&self, other: &Object<'_>) -> Option<DateTime<Utc>> {
        let naming = |from: u32, to: u32| {
            let (kind, to) = (self.graph.kind(to), &self.graph.slots[to as usize]);
            let records = packed::glimpses(&self.graph.slots[from as usize].packed);
            records.filter_map(move |g| packed::naming(g.body, &self.graph.words, kind, &to.id)).min()
        };
        naming(self.slot, other.slot).into_iter().chain(naming(other.slot, self.slot)).min()
    }

    pub fn is_linked(&self, other: &ObjectRef) -> bool {
        self.graph.find(other).is_some_and(|o| self.graph.linked(self.slot, self.graph.canonical(o)))
    }

    pub fn links(&self) -> Vec<ObjectRef> {
        let mut links: Vec<ObjectRef> = Vec::new();
        self.graph.neighbours(self.slot, false, |other| links.push(self.graph.name(other)));
        links.sort();
        links.dedup();
        links
    }

    /// How many objects of a type it is linked with, counted up to `limit`.
    pub fn links_to(&self, kind: &str, limit: usize) -> usize {
        let mut found: Vec<u32> = Vec::new();
        self.graph.neighbours(self.slot, false, |other| {
            if found.len() < limit && self.graph.kind(other) == kind && !found.contains(&other) {
                found.push(other);
            }
        });
        found.len()
    }

    /// The name that it is shown under.
    pub fn name(&self) -> ObjectRef {
        self.graph.name(self.slot)
    }

    /// Every name under which something may be stored about it, in order.
    pub fn names(&self) -> Vec<ObjectRef> {
        self.graph.stored_names(self.slot)
    }
}

impl Graph {
    /// The object of that name, under whatever other name it is known.
    pub fn get(&self, object: &ObjectRef) -> Option<Object<'_>> {
        let slot = self.canonical(self.find(object)?);
        Some(Object { graph: self, slot })
    }

    /// Names that are known.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a fact to an object. False if it was there already.
    pub fn add(&mut self, key: &ObjectRef, fact: Fact) -> bool {
        let named = self.slot_of(key);
        self.slots[named as usize].flags &= !EVICTED;
        let home = self.home(named, &fact);
        let identity = packed::identity(&fact);
        let known = packed::glimpses(&self.slots[home as usize].packed)
            .filter(|g| g.hash == identity)
            .any(|g| packed::is_of(g.body, &self.words, &fact.source, &fact.id));
        if known {
            return false;
        }
        self.put(named, home, &fact);
        let flags = self.slots[named as usize].flags | self.slots[home as usize].flags;
        let shapes = fact.is_amendment() || kin::shapes(&fact.kind);
        if shapes || flags & AMENDED != 0 || self.is_amended(home) {
            self.reshape(named);
        } else {
            for other in &fact.refs {
                let other = self.slot_of(other);
                self.link(home, self.home(other, &fact), false);
            }
        }
        if flags & (CLAIMED | JOINED) != 0 {
            // Whose a number is, and which name an object is shown under, depend on who has spoken under it.
            self.regroup(vec![named, home]);
        }
        true
    }

    fn put(&mut self, named: u32, home: u32, fact: &Fact) {
        let slot = &mut self.slots[home as usize];
        packed::push(&mut slot.packed, &mut self.room, &mut self.words, fact, named != home);
        slot.facts += 1;
        slot.acts += u32::from(fact.is_act());
        slot.flags &= !EVICTED;
        if fact.is_amendment() {
            slot.flags |= AMENDED;
            self.slots[named as usize].flags |= AMENDED;
        }
    }

    fn link(&mut self, from: u32, to: u32, lapsed: bool) {
        if from != to && enter(&mut self.slots[from as usize].outgoing, Link::new(to, lapsed)) {
            enter(&mut self.slots[to as usize].incoming, Link::new(from, lapsed));
        }
    }

    /// Makes the links of a slot what its facts say now. A void lets links lapse: they lead nowhere, but what is
    /// behind them is still read when a page asks how it was before.
    fn relink(&mut self, slot: u32) {
        let own = self.unpack(slot, true);
        let mut links: Vec<Link> = Vec::new();
        let mut note = |graph: &mut Self, fact: &Fact, lapsed: bool| {
            for other in &fact.refs {
                let other = graph.slot_of(other);
                let other = graph.home(other, fact);
                if other != slot && (!lapsed || links.binary_search_by_key(&other, |l| l.slot()).is_err()) {
                    enter(&mut links, Link::new(other, lapsed));
                }
            }
        };
        let mut all = own.clone();
        for other in self.names_of(slot).into_owned().into_iter().filter(|s| *s != slot) {
            all.extend(self.unpack(other, false).into_iter().filter(Fact::is_amendment));
        }
        all.sort_by(|a, b| a.order().cmp(&b.order()));
        for fact in effective(all) {
            note(self, &fact, false);
        }
        for fact in &own {
            note(self, fact, true);
        }
        self.set_outgoing(slot, links);
    }

    fn set_outgoing(&mut self, slot: u32, links: Vec<Link>) {
        let before = std::mem::replace(&mut self.slots[slot as usize].outgoing, links.clone());
        for gone in before.iter().filter(|b| !links.iter().any(|l| l.slot() == b.slot())) {
            leave(&mut self.slots[gone.slot() as usize].incoming, slot);
            self.disturbed.insert(gone.slot());
        }
        for link in links {
            if enter(&mut self.slots[link.slot() as usize].incoming, Link::new(slot, link.lapsed())) {
                self.disturbed.insert(link.slot());
            }
        }
    }

    /// Objects that changed though nothing was said about them, since it was last asked.
    pub fn take_disturbed(&mut self) -> Vec<ObjectRef> {
        let disturbed = std::mem::take(&mut self.disturbed);
        let mut names: Vec<ObjectRef> = disturbed.into_iter().map(|s| self.plain_name(s)).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Takes in what was known before, as a memory and not as news: nothing is disturbed by it.
    pub fn remember(&mut self, told: impl FnOnce(&mut Self)) {
        let disturbed = std::mem::take(&mut self.disturbed);
        told(self);
        self.disturbed = disturbed;
    }

    /// Every name under which something was said that is in memory.
    pub fn told_names(&self) -> impl Iterator<Item = ObjectRef> {
        let told = (0_u32..).zip(&self.slots).filter(|(_, slot)| slot.facts > 0);
        told.flat_map(|(at, slot)| [ObjectRef::new(self.kind(at), &*slot.id), self.plain_name(at)])
    }

    /// Notes what was last made of an object; false when it was the same before.
    pub fn remark(&mut self, key: &ObjectRef, mark: u64) -> bool {
        let Some(slot) = self.find(key) else { return false };
        std::mem::replace(&mut self.slots[slot as usize].mark, mark) != mark
    }

    /// All roots of a definition that said something.
    pub fn all_roots(&self, definition: &Definition) -> Vec<ObjectRef> {
        let all = (0_u32..).take(self.slots.len());
        let of_kind = all.filter(|s| self.slots[*s as usize].flags & FREE == 0 && self.kind(*s) == definition.root);
        of_kind.filter(|s| self.canonical(*s) == *s && self.speaks(*s)).map(|s| self.name(s)).collect()
    }

    /// Forgets an object that is safe in the store. What others say about it stays with them.
    pub fn evict(&mut self, key: &ObjectRef) {
        let Some(found) = self.find(key) else { return };
        let names = self.names_of(found).into_owned();
        self.forget_kin(&names);
        for slot in names {
            let state = &mut self.slots[slot as usize];
            (state.packed, state.facts, state.acts, state.mark) = (Vec::new(), 0, 0, 0);
            state.flags = state.flags & (QUALIFIED | CLAIMED) | EVICTED;
            self.prune(slot);
        }
    }

    /// Lets links between evicted objects go, and then those that nothing leads to any more.
    fn prune(&mut self, slot: u32) {
        let state = &self.slots[slot as usize];
        let ends = state.outgoing.iter().chain(&state.incoming).map(|l| l.slot());
        let gone: Vec<u32> = ends.filter(|o| self.slots[*o as usize].flags & EVICTED != 0).collect();
        for other in gone {
            for (one, another) in [(slot, other), (other, slot)] {
                leave(&mut self.slots[one as usize].outgoing, another);
                leave(&mut self.slots[one as usize].incoming, another);
            }
            self.drop_if_bare(other);
        }
        self.drop_if_bare(slot);
    }

    fn drop_if_bare(&mut self, slot: u32) {
        let state = &self.slots[slot as usize];
        let bare = state.outgoing.is_empty() && state.incoming.is_empty() && state.facts == 0;
        if !bare || state.flags & (FREE | CLAIMED | QUALIFIED | JOINED) != 0 {
            return;
        }
        let hash = hash_of(self.kind(slot), &state.id);
        if let Ok(found) = self.index.find_entry(hash, |s| *s == slot) {
            found.remove();
        }
        self.slots[slot as usize] = Slot { flags: FREE, ..Slot::default() };
        self.disturbed.remove(&slot);
        self.free.push(slot);
    }

    /// An object is in memory again, or was found to have nothing in the store.
    pub fn adopt(&mut self, key: &ObjectRef) {
        if let Some(slot) = self.find(key) {
            self.slots[slot as usize].flags &= !EVICTED;
        }
    }

    fn find(&self, object: &ObjectRef) -> Option<u32> {
        let is_it = |s: &u32| *self.slots[*s as usize].id == *object.id && self.kind(*s) == object.kind;
        self.index.find(hash_of(&object.kind, &object.id), is_it).copied()
    }

    fn slot_of(&mut self, object: &ObjectRef) -> u32 {
        if let Some(slot) = self.find(object) {
            return slot;
        }
        let kind = self.kinds.iter().position(|k| **k == *object.kind).unwrap_or_else(|| {
            self.kinds.push(object.kind.as_str().into());
            self.kinds.len() - 1
        });
        let state = Slot { id: object.id.as_str().into(), kind: kind as u16, ..Slot::default() };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = state;
                slot
            }
            None => {
                self.slots.push(state);
                (self.slots.len() - 1) as u32
            }
        };
        let (slots, kinds) = (&self.slots, &self.kinds);
        let hash = |s: &u32| hash_of(&kinds[slots[*s as usize].kind as usize], &slots[*s as usize].id);
        self.index.insert_unique(hash(&slot), slot, hash);
        slot
    }

    fn kind(&self, slot: u32) -> &str {
        &self.kinds[self.slots[slot as usize].kind as usize]
    }

    fn unpack(&self, slot: u32, with_refs: bool) -> Vec<Fact> {
        let mut facts = Vec::with_capacity(self.slots[slot as usize].facts as usize);
        self.unpack_into(slot, with_refs, &mut facts);
        facts
    }

    fn unpack_into(&self, slot: u32, with_refs: bool, facts: &mut Vec<Fact>) {
        for glimpse in packed::glimpses(&self.slots[slot as usize].packed) {
            packed::read_into(glimpse.body, &self.words, with_refs, facts);
        }
    }

    /// Whether voids or corrections stand under any of an object's names.
    fn is_amended(&self, slot: u32) -> bool {
        let is_joined = self.slots[slot as usize].flags & JOINED != 0;
        is_joined && self.names_of(slot).iter().any(|s| self.slots[*s as usize].flags & AMENDED != 0)
    }

    fn speaks(&self, slot: u32) -> bool {
        self.names_of(slot).iter().any(|s| self.slots[*s as usize].facts > self.slots[*s as usize].acts)
    }
}

fn hash_of(kind: &str, id: &str) -> u64 {
    let mut hasher = FxHasher::default();
    (kind, id).hash(&mut hasher);
    hasher.finish()
}
