//! Several names, one object. An alias says that an object has another number in some system, or for some partner; a
//! person may say that two objects are one. Names are joined by union, so that it does not matter what came first;
//! the name that the object is shown under depends on the facts alone. A void takes a join back.
//!
//! A number belongs to a namespace. `{"alias": {"system": "wms", "id": "W-7"}}` makes what the WMS says about W-7 a
//! word about this object (kept under `wms:W-7`). What others say about W-7 is taken so too, unless W-7 is itself an
//! object in its own system of record, or several claim the number: then it is not for us to guess.
//! With a `partner`, only what names that partner is meant.

use std::ops::Deref;
use std::sync::Arc;

use milepost_ingest::ObjectRef;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{AMENDED, CLAIMED, Graph, HANDLED, JOINED, Object, QUALIFIED};
use crate::domain::fact::{Fact, effective};
use crate::domain::tree::systems_of_record;

#[derive(Debug, Default)]
pub struct Kin {
    /// Claims that hold, by the name under which they were made.
    claims: FxHashMap<u32, Vec<Claim>>,
    /// The names that claim a number, in order.
    claimers: FxHashMap<u32, Vec<u32>>,
    /// From a qualified number to the plain one, and back.
    plain: FxHashMap<u32, u32>,
    qualified: FxHashMap<u32, Vec<u32>>,
    /// What people made one, by the name that is to go.
    merges: FxHashMap<u32, Vec<u32>>,
    merged: FxHashMap<u32, Vec<u32>>,
    /// What people linked or unlinked by hand.
    verdicts: FxHashMap<u32, Vec<Verdict>>,
    classes: FxHashMap<u32, Arc<Class>>,
}

/// One alias event.
#[derive(Clone, Debug, PartialEq)]
struct Claim {
    namespace: Box<str>,
    partner: Option<Box<str>>,
    /// The number as it is told, and as it is told apart.
    claimed: u32,
    qualified: u32,
    /// Who said so; under which slot that is kept follows from it.
    said: Fact,
}

#[derive(Clone, Debug, PartialEq)]
struct Verdict {
    other: u32,
    at_ms: i64,
    by: (Arc<str>, Box<str>),
    cut: bool,
}

#[derive(Debug)]
struct Class {
    /// In the order of their names.
    names: Vec<u32>,
    canonical: u32,
}

/// The slots of one object.
pub(super) enum Names<'g> {
    One([u32; 1]),
    Many(&'g [u32]),
}

impl Names<'_> {
    pub fn into_owned(self) -> Vec<u32> {
        self.to_vec()
    }
}

impl Deref for Names<'_> {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Self::One(one) => one,
            Self::Many(many) => many,
        }
    }
}

/// Facts that change which names are one object, or which links hold.
pub(super) fn shapes(kind: &str) -> bool {
    matches!(kind, "object.aliased" | "object.merged" | "object.linked" | "object.unlinked")
}

impl Kin {
    pub fn has_cuts(&self) -> bool {
        !self.verdicts.is_empty()
    }

    /// The latest act about a pair decides.
    pub fn is_cut(&self, ones: &[u32], others: &[u32]) -> bool {
        let about = |from: &[u32], to: &[u32]| {
            let said = from.iter().filter_map(|s| self.verdicts.get(s)).flatten();
            said.filter(|v| to.contains(&v.other)).max_by(|a, b| (a.at_ms, &a.by).cmp(&(b.at_ms, &b.by))).cloned()
        };
        let latest = [about(ones, others), about(others, ones)].into_iter().flatten();
        latest.max_by(|a, b| (a.at_ms, &a.by).cmp(&(b.at_ms, &b.by))).is_some_and(|v| v.cut)
    }

    fn claims_on(&self, number: u32) -> impl Iterator<Item = (u32, &Claim)> {
        let claimers = self.claimers.get(&number).into_iter().flatten();
        let claims = claimers.flat_map(|name| self.claims.get(name).into_iter().flatten().map(|c| (*name, c)));
        claims.filter(move |(_, c)| c.claimed == number)
    }
}

impl Graph {
    pub(super) fn names_of(&self, slot: u32) -> Names<'_> {
        if self.slots[slot as usize].flags & JOINED == 0 {
            return Names::One([slot]);
        }
        self.kin.classes.get(&slot).map_or(Names::One([slot]), |class| Names::Many(&class.names))
    }

    pub(super) fn canonical(&self, slot: u32) -> u32 {
        if self.slots[slot as usize].flags & JOINED == 0 {
            return slot;
        }
        self.kin.classes.get(&slot).map_or(slot, |class| class.canonical)
    }

    /// The name that an object is shown under.
    pub(super) fn name(&self, slot: u32) -> ObjectRef {
        ObjectRef::new(self.kind(slot), self.shown_id(slot))
    }

    pub(super) fn shown_id(&self, slot: u32) -> &str {
        let plain = self.kin.plain.get(&slot).filter(|p| self.canonical(**p) == self.canonical(slot));
        &self.slots[plain.copied().unwrap_or(slot) as usize].id
    }

    /// The name under which events about a slot come.
    pub(super) fn plain_name(&self, slot: u32) -> ObjectRef {
        let slot = self.kin.plain.get(&slot).copied().unwrap_or(slot);
        ObjectRef::new(self.kind(slot), &*self.slots[slot as usize].id)
    }

    pub(super) fn stored_names(&self, slot: u32) -> Vec<ObjectRef> {
        let names = self.names_of(slot);
        let own = names.iter().map(|s| ObjectRef::new(self.kind(*s), &*self.slots[*s as usize].id));
        let mut all: Vec<ObjectRef> = own.chain(names.iter().map(|s| self.plain_name(*s))).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Where a word about a number belongs, by who says it.
    pub(super) fn home(&self, named: u32, fact: &Fact) -> u32 {
        if self.slots[named as usize].flags & CLAIMED == 0 || fact.is_act() {
            return named;
        }
        let fits = self.kin.claims_on(named).filter_map(|(_, claim)| {
            let for_partner = claim.partner.as_deref().map(|p| fact.names_partner(p));
            let exact = *claim.namespace == *fact.system && for_partner != Some(false);
            (exact || for_partner == Some(true)).then_some((!exact, &claim.namespace, &claim.partner, claim.qualified))
        });
        fits.min().map_or(named, |(.., qualified)| qualified)
    }

    /// Reads anew what the facts of a name say about names and links.
    pub(super) fn reshape(&mut self, named: u32) {
        let mut facts: Vec<Fact> = self.unpack_of(named, false);
        for qualified in self.kin.qualified.get(&named).cloned().unwrap_or_default() {
            facts.extend(self.unpack_of(qualified, true));
        }
        facts.sort_by(|a, b| a.order().cmp(&b.order()));
        let facts = effective(facts);

        let (mut claims, mut merges, mut verdicts) = (Vec::new(), Vec::new(), Vec::new());
        for fact in &facts {
            if &*fact.kind == "object.aliased" {
                claims.extend(self.claim(named, fact));
            }
            if !fact.is_act() {
                continue;
            }
            let cut = &*fact.kind == "object.unlinked";
            for other in &fact.refs {
                let same_kind = other.kind == self.kind(named);
                let other = self.slot_of(other);
                if cut || &*fact.kind == "object.linked" {
                    let by = (Arc::clone(&fact.source), fact.id.clone());
                    verdicts.push(Verdict { other, at_ms: fact.occurred_at.timestamp_millis(), by, cut });
                } else if &*fact.kind == "object.merged" && same_kind && other != named {
                    merges.push(other);
                }
            }
        }
        let mut seeds = vec![named];
        self.take_verdicts(named, verdicts);
        seeds.extend(self.take_merges(named, merges));
        seeds.extend(self.take_claims(named, claims));
        seeds.extend(self.kin.qualified.get(&named).into_iter().flatten());

        let mut slots = self.names_of(named).into_owned();
        slots.push(named);
        slots.extend(self.kin.qualified.get(&named).into_iter().flatten());
        slots.sort_unstable();
        slots.dedup();
        slots.into_iter().for_each(|slot| self.relink(slot));
        self.regroup(seeds);
        self.disturbed.insert(named);
    }

    fn claim(&mut self, named: u32, fact: &Fact) -> Option<Claim> {
        let alias = fact.detail.alias.as_deref()?;
        let kind = self.kind(named).to_owned();
        let claimed = self.slot_of(&ObjectRef::new(kind.as_str(), &*alias.id));
        if claimed == named {
            return None;
        }
        let text = match &alias.partner {
            Some(partner) => format!("{}@{partner}:{}", alias.system, alias.id),
            None => format!("{}:{}", alias.system, alias.id),
        };
        let qualified = self.slot_of(&ObjectRef::new(kind, text));
        self.slots[qualified as usize].flags |= QUALIFIED;
        self.kin.plain.insert(qualified, claimed);
        let known = self.kin.qualified.entry(claimed).or_default();
        if !known.contains(&qualified) {
            known.push(qualified);
        }
        let said = Fact { refs: Box::default(), ..fact.clone() };
        Some(Claim { namespace: alias.system.clone(), partner: alias.partner.clone(), claimed, qualified, said })
    }

    /// Gives what else is concerned.
    fn take_claims(&mut self, named: u32, claims: Vec<Claim>) -> Vec<u32> {
        let before = self.kin.claims.get(&named).cloned().unwrap_or_default();
        if before == claims {
            return Vec::new();
        }
        let mut numbers: Vec<u32> = before.iter().chain(&claims).map(|c| c.claimed).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let now: Vec<u32> = claims.iter().map(|c| c.claimed).collect();
        if claims.is_empty() {
            self.kin.claims.remove(&named);
        } else {
            self.kin.claims.insert(named, claims);
        }
        for number in &numbers {
            let claimers = self.kin.claimers.entry(*number).or_default();
            claimers.retain(|c| *c != named);
            if now.contains(number) {
                claimers.push(named);
                claimers.sort_unstable();
            }
            let flags = &mut self.slots[*number as usize].flags;
            if claimers.is_empty() {
                self.kin.claimers.remove(number);
                *flags &= !CLAIMED;
            } else {
                *flags |= CLAIMED;
            }
        }
        let mut concerned = Vec::new();
        for number in numbers {
            self.rehome(number);
            concerned.push(number);
            concerned.extend(self.kin.qualified.get(&number).into_iter().flatten());
        }
        concerned
    }

    /// Puts what was said about a number where it belongs by the claims that hold now.
    fn rehome(&mut self, number: u32) {
        let mut slots = vec![number];
        slots.extend(self.kin.qualified.get(&number).into_iter().flatten());
        let near = slots.iter().flat_map(|s| self.slots[*s as usize].incoming.iter().map(|l| l.slot()));
        let mut near: Vec<u32> = near.filter(|s| !slots.contains(s)).collect();
        near.sort_unstable();
        near.dedup();
        let mut facts = Vec::new();
        for slot in &slots {
            // What was said about a qualified number in so many words stays there.
            let own = if *slot == number { Vec::new() } else { self.unpack_of(*slot, false) };
            facts.extend(self.unpack_of(*slot, *slot != number));
            let state = &mut self.slots[*slot as usize];
            (state.packed, state.facts, state.acts) = (Vec::new(), 0, 0);
            state.flags &= !AMENDED;
            for fact in own {
                self.put(*slot, *slot, &fact);
            }
        }
        for fact in facts {
            let home = self.home(number, &fact);
            self.put(number, home, &fact);
        }
        for slot in slots.into_iter().chain(near) {
            self.relink(slot);
            self.disturbed.insert(slot);
        }
    }

    fn take_merges(&mut self, named: u32, merges: Vec<u32>) -> Vec<u32> {
        let before = self.kin.merges.remove(&named).unwrap_or_default();
        for other in &before {
            if let Some(back) = self.kin.merged.get_mut(other) {
                back.retain(|s| *s != named);
            }
        }
        for other in &merges {
            self.kin.merged.entry(*other).or_default().push(named);
        }
        let concerned = before.iter().chain(&merges).copied().collect();
        if !merges.is_empty() {
            self.kin.merges.insert(named, merges);
        }
        concerned
    }

    fn take_verdicts(&mut self, named: u32, verdicts: Vec<Verdict>) {
        let before = self.kin.verdicts.get(&named).map_or(&[][..], Vec::as_slice);
        if before == verdicts {
            return;
        }
        let both = before.iter().chain(&verdicts).map(|v| v.other);
        self.disturbed.extend(both);
        self.disturbed.insert(named);
        if verdicts.is_empty() {
            self.kin.verdicts.remove(&named);
            self.slots[named as usize].flags &= !HANDLED;
        } else {
            self.kin.verdicts.insert(named, verdicts);
            self.slots[named as usize].flags |= HANDLED;
        }
    }

    /// Names that are one with a name, seen from it alone.
    fn relatives(&self, slot: u32) -> Vec<u32> {
        let kin = &self.kin;
        let mut found: Vec<u32> = Vec::new();
        found.extend(kin.merges.get(&slot).into_iter().flatten());
        found.extend(kin.merged.get(&slot).into_iter().flatten());
        // As one whose claims are kept here.
        let named = kin.plain.get(&slot).copied().unwrap_or(slot);
        for name in [slot, named] {
            for claim in kin.claims.get(&name).into_iter().flatten() {
                if self.home(name, &claim.said) == slot {
                    found.push(claim.qualified);
                    found.extend(self.is_only_theirs(claim.claimed).then_some(claim.claimed));
                }
            }
        }
        // As a number that others claim.
        for number in [slot, named] {
            let theirs = number == slot && self.is_only_theirs(slot);
            for (name, claim) in kin.claims_on(number) {
                if claim.qualified == slot || theirs {
                    found.push(self.home(name, &claim.said));
                }
            }
        }
        found
    }

    /// A number that is claimed under one name only, and is no object of its own in its system of record.
    fn is_only_theirs(&self, number: u32) -> bool {
        if self.kin.claimers.get(&number).is_none_or(|c| c.len() != 1) {
            return false;
        }
        let record = systems_of_record(self.kind(number));
        !self.unpack(number, false).iter().any(|f| record.contains(&&*f.system))
    }

    /// Finds anew which names are one object, from these on.
    pub(super) fn regroup(&mut self, seeds: Vec<u32>) {
        let mut todo = seeds;
        let mut seen: FxHashSet<u32> = FxHashSet::default();
        let mut amended = Vec::new();
        while let Some(start) = todo.pop() {
            if !seen.insert(start) {
                continue;
            }
            let mut names = vec![start];
            let mut next = 0;
            while let Some(here) = names.get(next).copied() {
                next += 1;
                // What was one with it before may stand alone now.
                if let Some(class) = self.kin.classes.remove(&here) {
                    todo.extend(class.names.iter().copied());
                }
                self.slots[here as usize].flags &= !JOINED;
                for other in self.relatives(here) {
                    if !names.contains(&other) {
                        names.push(other);
                    }
                }
            }
            seen.extend(&names);
            self.disturbed.extend(&names);
            if names.len() < 2 {
                continue;
            }
            names.sort_unstable_by(|a, b| self.slots[*a as usize].id.cmp(&self.slots[*b as usize].id));
            let canonical = self.choose(&names);
            if names.iter().any(|s| self.slots[*s as usize].flags & AMENDED != 0) {
                amended.extend(names.iter().copied());
            }
            let class = Arc::new(Class { names, canonical });
            for name in &class.names {
                self.slots[*name as usize].flags |= JOINED;
                self.kin.classes.insert(*name, Arc::clone(&class));
            }
        }
        // A void said under one name may be about what was said under another.
        amended.into_iter().for_each(|slot| self.relink(slot));
    }

    /// The name that the others are known by: the one that people kept, then that of the system of record, then one
    /// that speaks for itself, then the plainest.
    fn choose(&self, names: &[u32]) -> u32 {
        let rank = |slot: &u32| {
            let state = &self.slots[*slot as usize];
            let record = systems_of_record(self.kind(*slot));
            let by_record = self.unpack(*slot, false).iter().any(|f| record.contains(&&*f.system));
            let speaks = state.facts > state.acts;
            (self.kin.merges.contains_key(slot), !by_record, !speaks, state.flags & QUALIFIED, state.id.clone())
        };
        names.iter().copied().min_by_key(rank).unwrap_or_default()
    }

    /// Whether anything was reported under this very name.
    pub fn spoke(&self, name: &ObjectRef) -> bool {
        let Some(slot) = self.find(name) else { return false };
        let moved = self.kin.qualified.get(&slot).into_iter().flatten().flat_map(|q| self.unpack_of(*q, true));
        self.unpack_of(slot, false).into_iter().chain(moved).any(|f| !f.is_act())
    }

    pub(super) fn forget_kin(&mut self, names: &[u32]) {
        for slot in names {
            self.take_verdicts(*slot, Vec::new());
            self.take_merges(*slot, Vec::new());
            for claim in self.kin.claims.remove(slot).unwrap_or_default() {
                if let Some(claimers) = self.kin.claimers.get_mut(&claim.claimed) {
                    claimers.retain(|c| c != slot);
                    if claimers.is_empty() {
                        self.kin.claimers.remove(&claim.claimed);
                        self.slots[claim.claimed as usize].flags &= !CLAIMED;
                    }
                }
            }
            if let Some(plain) = self.kin.plain.remove(slot)
                && let Some(all) = self.kin.qualified.get_mut(&plain)
            {
                all.retain(|q| q != slot);
                if all.is_empty() {
                    self.kin.qualified.remove(&plain);
                }
            }
            self.kin.classes.remove(slot);
            self.slots[*slot as usize].flags &= !(JOINED | QUALIFIED);
        }
    }

    /// Facts of a slot that came under its own name, or those that came under the plain number that it tells apart.
    fn unpack_of(&self, slot: u32, moved: bool) -> Vec<Fact> {
        let records = super::packed::glimpses(&self.slots[slot as usize].packed).filter(|g| g.moved == moved);
        records.filter_map(|g| super::packed::read(g.body, &self.words, true)).collect()
    }
}

impl Object<'_> {
    /// Other numbers that it is known by, as they are told apart: `wms:W-7`, `customer_po@acme:4711`, or the plain name
    /// of an object that was merged into it.
    pub fn aliases(&self) -> Vec<String> {
        let shown = self.graph.shown_id(self.slot);
        let names = self.graph.names_of(self.slot);
        let told_apart = |plain: u32| names.iter().any(|s| self.graph.kin.plain.get(s) == Some(&plain));
        let ids = names.iter().filter(|s| !told_apart(**s)).map(|s| self.graph.slots[*s as usize].id.to_string());
        let mut ids: Vec<String> = ids.filter(|id| id != shown).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}
