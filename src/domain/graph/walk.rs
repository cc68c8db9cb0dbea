//! Ways through the graph: what hangs from a root, which roots an object hangs from, and what it waits for.

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use rustc_hash::{FxBuildHasher, FxHashSet};

use super::{Definition, Definitions, Graph, HANDLED, JOINED, Object, QUALIFIED};

/// A workflow is cut off here; the page says so.
const MAX_MEMBERS: usize = 2_000;
/// Most workflows have fewer.
const USUAL_MEMBERS: usize = 16;
/// An object that belongs to more workflows than this is shown, but does not drive all of them.
const MAX_ROOTS: usize = 10_000;

/// Object types that stand for themselves and wait for nothing.
const STANDALONE: [&str; 6] = ["customer", "item", "location", "carrier", "message", "event"];

/// Whether objects of a type stand for themselves: what they are linked with says nothing about them.
pub fn stands_alone(kind: &str) -> bool {
    STANDALONE.contains(&kind)
}

/// Whether an object hangs from something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Root objects of the workflows that it belongs to.
    Joined(Vec<ObjectRef>),
    /// Master data and the like.
    Alone,
    /// Hangs from nothing, and a person said that this is as it should be (`released`), or that it is to be forgotten
    /// (`discarded`).
    SetAside(&'static str, DateTime<Utc>),
    /// Hangs from nothing yet; what it waits for, `order/SO-1` or only `order`.
    Held(String),
}

/// One member of a workflow: its name, its distance from the root, and what was said about it.
type Part<'g> = (ObjectRef, u32, Option<Object<'g>>);

/// What a workflow is made of.
pub(in crate::domain) struct Parts<'g> {
    pub members: Vec<Part<'g>>,
    /// Names under which anything is stored that it is made of, or once was: also what hung from it before a link was
    /// voided or taken away.
    pub stored: Vec<ObjectRef>,
    /// Each has one name, and no link was ever voided or cut.
    pub plain: bool,
}

impl Graph {
    /// Everything that hangs from `root` by the definition, nearest first, the root itself first, with its distance.
    pub fn members(&self, definition: &Definition, root: &ObjectRef) -> Vec<(ObjectRef, u32)> {
        let Some(start) = self.find(root) else { return vec![(root.clone(), 0)] };
        let found = self.walk(self.canonical(start), |from, to| definition.reaches(from, to), MAX_MEMBERS, false);
        found.into_iter().map(|(slot, depth)| (self.name(slot), depth)).collect()
    }

    /// As `members`, with what was said about each.
    pub(in crate::domain) fn parts(&self, definition: &Definition, root: &ObjectRef) -> Parts<'_> {
        let Some(start) = self.find(root) else {
            return Parts { members: vec![(root.clone(), 0, None)], stored: vec![root.clone()], plain: true };
        };
        let start = self.canonical(start);
        let follow = |from: &str, to: &str| definition.reaches(from, to);
        let now = self.walk(start, follow, MAX_MEMBERS, false);
        let part = |(slot, depth): &(u32, u32)| (self.name(*slot), *depth, Some(Object { graph: self, slot: *slot }));
        let members: Vec<Part<'_>> = now.iter().map(part).collect();
        if now.iter().all(|(slot, _)| self.is_plain(*slot)) {
            let stored = members.iter().map(|(name, ..)| name.clone()).collect();
            return Parts { members, stored, plain: true };
        }
        let ever = self.walk(start, follow, MAX_MEMBERS, true);
        let mut seen: FxHashSet<ObjectRef> = FxHashSet::default();
        let names = ever.into_iter().flat_map(|(slot, _)| self.stored_names(slot));
        Parts { members, stored: names.filter(|name| seen.insert(name.clone())).collect(), plain: false }
    }

    /// It has one name, and no link of it was ever voided or cut.
    fn is_plain(&self, slot: u32) -> bool {
        let state = &self.slots[slot as usize];
        let may_be_cut = |other: u32| self.kin.has_cuts() && self.slots[other as usize].flags & (JOINED | HANDLED) != 0;
        let mut links = state.outgoing.iter().chain(&state.incoming);
        state.flags & (JOINED | QUALIFIED | HANDLED) == 0 && !links.any(|l| l.lapsed() || may_be_cut(l.slot()))
    }

    /// Everything that any definition reaches from `object`, itself first: what changes when its standing changes.
    pub fn below(&self, definitions: &Definitions, object: &ObjectRef) -> Vec<ObjectRef> {
        let Some(start) = self.find(object) else { return vec![object.clone()] };
        let reaches = |from: &str, to: &str| definitions.iter().any(|d| d.reaches(from, to));
        let found = self.walk(self.canonical(start), reaches, MAX_MEMBERS, false);
        found.into_iter().map(|(slot, _)| self.name(slot)).collect()
    }

    /// Roots with facts of their own from which `object` can be reached.
    pub fn roots(&self, definition: &Definition, object: &ObjectRef) -> Vec<ObjectRef> {
        let Some(start) = self.find(object) else { return Vec::new() };
        let above = self.walk(self.canonical(start), |from, to| definition.reaches(to, from), MAX_ROOTS, false);
        let is_root = |slot: &u32| self.kind(*slot) == definition.root && self.speaks(*slot);
        above.into_iter().map(|(slot, _)| slot).filter(is_root).map(|slot| self.name(slot)).collect()
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
        if stands_alone(&object.kind) || definitions.of_root(&object.kind).is_some() {
            return Standing::Alone;
        }
        let (Some(definition), Some(start)) = (parents(&object.kind), self.find(object)) else {
            return Standing::Alone;
        };
        if let Some((how, at)) = self.set_aside(self.canonical(start)) {
            return Standing::SetAside(how, at);
        }
        let above = self.walk(self.canonical(start), |from, to| definition.reaches(to, from), MAX_ROOTS, false);
        let silent = above.iter().skip(1).filter(|(slot, _)| !self.speaks(*slot));
        let farthest = silent.max_by_key(|(_, depth)| *depth);
        Standing::Held(farthest.map_or_else(|| definition.root.clone(), |(slot, _)| self.name(*slot).to_string()))
    }

    /// The last act that took an object out of those that wait.
    fn set_aside(&self, slot: u32) -> Option<(&'static str, DateTime<Utc>)> {
        let object = Object { graph: self, slot };
        if !object.has_acts() {
            return None;
        }
        let acts = object.told().1;
        let act = acts.iter().rev().find(|f| matches!(&*f.kind, "held.released" | "held.discarded"))?;
        Some((if &*act.kind == "held.released" { "released" } else { "discarded" }, act.occurred_at))
    }

    /// Breadth first over links that `follow` allows; neighbours in the order of their names, so that the result
    /// depends on the graph only.
    fn walk(&self, start: u32, follow: impl Fn(&str, &str) -> bool, limit: usize, ever: bool) -> Vec<(u32, u32)> {
        // Asked once per pair of types: a transport has hundreds of links of one type.
        let mut allowed: Vec<(u16, u16, bool)> = Vec::new();
        let mut may = |from: u16, to: u16| match allowed.iter().find(|(f, t, _)| (*f, *t) == (from, to)) {
            Some((.., yes)) => *yes,
            None => {
                let yes = follow(&self.kinds[from as usize], &self.kinds[to as usize]);
                allowed.push((from, to, yes));
                yes
            }
        };
        let mut seen: FxHashSet<u32> = FxHashSet::with_capacity_and_hasher(USUAL_MEMBERS, FxBuildHasher);
        let mut found: Vec<(u32, u32)> = Vec::with_capacity(USUAL_MEMBERS);
        found.push((start, 0));
        let mut near: Vec<u32> = Vec::new();
        seen.insert(start);
        let mut next = 0;
        while next < found.len() && found.len() < limit {
            let (here, depth) = found[next];
            next += 1;
            let from = self.slots[here as usize].kind;
            near.clear();
            self.neighbours(here, ever, |other| {
                if may(from, self.slots[other as usize].kind) && !seen.contains(&other) {
                    near.push(other);
                }
            });
            if near.len() > 1 {
                near.sort_unstable_by(|a, b| self.by_name(*a, *b));
                near.dedup();
            }
            for other in &near {
                seen.insert(*other);
                found.push((*other, depth + 1));
            }
        }
        found.truncate(limit);
        found
    }

    fn by_name(&self, a: u32, b: u32) -> std::cmp::Ordering {
        let key = |s: u32| (self.kind(s), self.shown_id(s), s);
        let (a, b) = (key(a), key(b));
        (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.cmp(&b.2))
    }

    /// The objects that one is linked with; `ever` takes in what was voided or cut. May give one twice.
    pub(super) fn neighbours(&self, slot: u32, ever: bool, mut each: impl FnMut(u32)) {
        let names = self.names_of(slot);
        for name in names.iter() {
            let state = &self.slots[*name as usize];
            for link in state.outgoing.iter().chain(&state.incoming).filter(|l| ever || !l.lapsed()) {
                let other = self.canonical(link.slot());
                if other != slot && (ever || !self.is_cut(slot, other)) {
                    each(other);
                }
            }
        }
    }

    /// Whether two objects are linked, by their canonical slots.
    pub(super) fn linked(&self, one: u32, other: u32) -> bool {
        let (ones, others) = (self.names_of(one), self.names_of(other));
        let direct = ones.iter().any(|a| {
            others.iter().any(|b| {
                let (x, y) = (&self.slots[*a as usize], &self.slots[*b as usize]);
                let has = |links: &[super::Link], slot: u32| {
                    links.binary_search_by_key(&slot, |l| l.slot()).is_ok_and(|at| !links[at].lapsed())
                };
                has(&x.outgoing, *b) || has(&y.outgoing, *a)
            })
        });
        direct && !self.is_cut(one, other)
    }

    /// Parted by hand, whatever events say.
    pub(super) fn is_cut(&self, one: u32, other: u32) -> bool {
        let handled = |slot: u32| self.names_of(slot).iter().any(|s| self.slots[*s as usize].flags & HANDLED != 0);
        // Only who was handled has anything to look up.
        (self.kin.has_cuts() && (handled(one) || handled(other)))
            && self.kin.is_cut(&self.names_of(one), &self.names_of(other))
    }
}
