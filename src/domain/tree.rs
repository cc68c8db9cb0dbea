//! The part of the graph that one workflow is made of, read once: its objects with the facts that hold.

use std::borrow::Cow;
use std::cell::OnceCell;

use chrono::{DateTime, Utc};
use milepost_ingest::{EVENT_TYPES, ObjectRef};

use super::fact::Fact;
use super::graph::Parts;
use super::units::Conversion;
use super::{Activity, Belief, Definition, Graph, Link, Member, Money, Object};

pub struct Tree<'a> {
    /// Nearest first; the root is the first.
    pub nodes: Vec<Node<'a>>,
    /// Names under which anything is stored that it is made of, or once was.
    pub stored: Vec<ObjectRef>,
    graph: &'a Graph,
    /// Each object has one name, and no link was ever voided or cut.
    plain: bool,
    /// Linked nodes by their places, and since when that is known.
    known_links: OnceCell<Vec<(usize, usize, DateTime<Utc>)>>,
}

pub struct Node<'a> {
    pub object: ObjectRef,
    pub depth: u32,
    /// What systems reported.
    pub facts: Cow<'a, [Fact]>,
    /// What people, keys and rules did about it.
    pub acts: Vec<Fact>,
    /// Reports that count only from the system of record, told by others after it has spoken: shown, without effect.
    pub overruled: Vec<Fact>,
    /// What each system believes of it, in flow order: the verb of the latest event that each sent about it.
    beliefs: Vec<Belief>,
    state: Option<Object<'a>>,
    /// Place in its tree, and the linked ones among the first of it.
    place: usize,
    near: u64,
}

/// What of a tree was known at a moment, and did not hang in it yet.
pub struct Loose<'t, 'a> {
    /// Linked only afterwards.
    pub links: Vec<(&'t Node<'a>, &'t Node<'a>)>,
    /// Hung from nothing that hung from the root.
    pub astray: Vec<&'t Node<'a>>,
}

/// Of so many nodes it is looked up once which are linked: of most workflows all.
const LOOKED_UP: usize = u64::BITS as usize;

/// Systems in the order in which a transaction passes them.
pub const FLOW: [&str; 6] = ["erp", "wms", "tms", "carrier", "billing", "finance"];

pub fn flow_position(system: &str) -> usize {
    FLOW.iter().position(|s| *s == system).unwrap_or(FLOW.len())
}

/// The systems whose word counts most for an object type, best first.
pub fn systems_of_record(kind: &str) -> &'static [&'static str] {
    match kind {
        "order" | "customer" | "item" | "location" | "carrier" => &["erp"],
        "shipment" | "return" | "inventory_movement" | "goods_receipt" => &["wms"],
        "load" => &["tms"],
        "charge" => &["billing", "tms"],
        "invoice" => &["billing"],
        "freight_invoice" => &["tms", "finance"],
        "credit_note" | "payment" | "accrual" => &["finance", "billing"],
        _ => &[],
    }
}

impl<'a> Tree<'a> {
    pub fn read(definition: &Definition, graph: &'a Graph, root: &ObjectRef) -> Self {
        let Parts { members, stored, plain } = graph.parts(definition, root);
        let mut nodes: Vec<Node<'a>> = Vec::with_capacity(members.len());
        for (place, (object, depth, state)) in members.into_iter().enumerate() {
            let mut node = Node { place, ..Node::read(object, depth, state) };
            for (at, other) in nodes.iter_mut().enumerate().take(LOOKED_UP) {
                if node.state.zip(other.state).is_some_and(|(one, another)| one.is_with(&another)) {
                    node.near |= 1 << at;
                    other.near |= if place < LOOKED_UP { 1 << place } else { 0 };
                }
            }
            nodes.push(node);
        }
        Self { nodes, stored, graph, plain, known_links: OnceCell::new() }
    }

    /// How what had been heard of by a moment hung together then otherwise than now. None where names were joined or links
    /// taken away since, which is not told here.
    pub fn loose_then(&self, definition: &Definition, moment: DateTime<Utc>) -> Option<Loose<'_, 'a>> {
        if !self.plain {
            return None;
        }
        let links = self.known_links.get_or_init(|| {
            let pairs = self.nodes.iter().flat_map(|node| {
                let before = self.nodes[..node.place].iter().filter(|other| node.is_with(other));
                before.map(move |other| (other, node))
            });
            let since = |one: &Node<'_>, other: &Node<'_>| one.state?.with_since(&other.state?);
            pairs
                .map(|(one, other)| (one.place, other.place, since(one, other).unwrap_or(DateTime::<Utc>::MAX_UTC)))
                .collect()
        });
        let heard: Vec<bool> = self.nodes.iter().map(|node| node.is_heard_by(moment)).collect();
        // Also what had only been named by then leads on.
        let (known, later): (Vec<&_>, Vec<&_>) = links.iter().partition(|(.., since)| *since <= moment);
        let mut hangs: Vec<bool> = self.nodes.iter().map(|node| node.depth == 0).collect();
        let reaches =
            |from: usize, to: usize| definition.reaches(&self.nodes[from].object.kind, &self.nodes[to].object.kind);
        let mut grows = true;
        while grows {
            grows = false;
            for (one, other, _) in &known {
                for (from, to) in [(*one, *other), (*other, *one)] {
                    if hangs[from] && !hangs[to] && reaches(from, to) {
                        (hangs[to], grows) = (true, true);
                    }
                }
            }
        }
        let astray = self.nodes.iter().filter(|node| heard[node.place] && !hangs[node.place]).collect();
        let of_heard = later.into_iter().filter(|(one, other, _)| heard[*one] && heard[*other]);
        let links = of_heard.map(|(one, other, _)| (&self.nodes[*one], &self.nodes[*other])).collect();
        Some(Loose { links, astray })
    }

    /// How the units of an item convert, by its master data: the system of record's word first, the latest first.
    pub fn item_units(&self, sku: &str) -> Vec<Conversion> {
        let item = ObjectRef::new("item", sku);
        let Some(state) = self.graph.get(&item) else { return Vec::new() };
        let facts = state.effective();
        let is_record = |fact: &&Fact| systems_of_record("item").contains(&&*fact.system);
        let by_record = facts.iter().rev().filter(is_record);
        let others = facts.iter().rev().filter(|f| !is_record(f));
        by_record.chain(others).flat_map(|f| f.detail.units.iter().flatten().cloned()).collect()
    }

    pub fn root(&self) -> &Node<'a> {
        &self.nodes[0]
    }

    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.nodes.iter().flat_map(|n| n.facts.iter())
    }

    pub fn of_kind<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'s Node<'a>> {
        self.nodes.iter().filter(move |n| n.object.kind == kind)
    }

    /// A node and what the definition reaches from it within this tree.
    pub fn branch<'s>(&'s self, definition: &'s Definition, node: &'s Node<'a>) -> impl Iterator<Item = &'s Node<'a>> {
        let below =
            move |other: &&Node<'a>| node.is_with(other) && definition.reaches(&node.object.kind, &other.object.kind);
        std::iter::once(node).chain(self.nodes.iter().filter(below))
    }

    pub fn links(&self) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        for (position, node) in self.nodes.iter().enumerate() {
            for other in self.nodes[..position].iter().filter(|o| node.is_with(o)) {
                links.push(Link { from: other.object.clone(), to: node.object.clone() });
            }
        }
        links
    }

    /// What each system believes, also by what it says of the papers of an object: who bills a shipment knows of it.
    pub fn beliefs(&self, node: &Node) -> Vec<Belief> {
        let mut beliefs = node.beliefs.clone();
        let bills = matches!(node.object.kind.as_str(), "order" | "shipment");
        if bills && !beliefs.iter().any(|b| b.system == "billing") {
            let papers = self.of_kind("invoice").filter(|i| !i.withdrawn() && i.is_with(node));
            let issued = papers.filter_map(|i| i.last("invoice.issued")).max_by(|a, b| a.order().cmp(&b.order()));
            beliefs.extend(issued.map(|fact| Belief {
                system: fact.system.to_string(),
                state: "invoiced".to_owned(),
                since: fact.occurred_at,
            }));
        }
        beliefs
    }

    pub fn activity(&self) -> Vec<Activity> {
        let mut all: Vec<(&ObjectRef, &Fact)> =
            self.nodes.iter().flat_map(|node| node.acts.iter().map(move |act| (&node.object, act))).collect();
        all.sort_by(|(_, a), (_, b)| b.order().cmp(&a.order()));
        let activity = |(object, act): (&ObjectRef, &Fact)| Activity {
            id: act.id.to_string(),
            at: act.occurred_at,
            by: act.source.to_string(),
            kind: act.kind.to_string(),
            object: object.clone(),
            data: act.detail.act.as_deref().cloned().unwrap_or_default(),
        };
        all.into_iter().map(activity).collect()
    }

    pub fn members(&self) -> Vec<Member> {
        self.nodes.iter().map(|node| Member { beliefs: self.beliefs(node), ..node.member() }).collect()
    }
}

impl<'a> Node<'a> {
    /// One object by itself, without what hangs from it.
    pub fn alone(graph: &'a Graph, object: &ObjectRef) -> Self {
        Self::read(object.clone(), 0, graph.get(object))
    }

    fn read(object: ObjectRef, depth: u32, state: Option<Object<'a>>) -> Self {
        let (facts, acts) = state.map_or((Cow::Borrowed(&[][..]), Vec::new()), |o| o.told());
        let (facts, overruled) = authorised(&object.kind, facts);
        let beliefs = beliefs(&object, &facts, &overruled);
        Self { object, depth, facts, acts, overruled, beliefs, state, place: 0, near: 0 }
    }
}

impl Node<'_> {
    /// Everything that was received about it, amendments, acts and links included.
    pub fn received(&self) -> Vec<Fact> {
        self.state.map(|s| s.facts_with_links()).unwrap_or_default()
    }

    /// What was reported about it, amendments included and before they were heeded; whether any report is so.
    pub fn any_report(&self, is: impl Fn(&Fact) -> bool) -> bool {
        match self.state.filter(|s| s.is_amended()) {
            Some(state) => state.facts().iter().any(|f| !f.is_act() && is(f)),
            None => self.facts.iter().chain(&self.overruled).any(is),
        }
    }

    /// Whether anything was reported after a moment that is about the time before it.
    pub fn is_learnt_late(&self, moment: DateTime<Utc>) -> bool {
        self.any_report(|f| f.received_at > moment && (f.occurred_at <= moment || f.is_amendment()))
    }

    /// Whether anything had been reported about it by a moment.
    pub fn is_heard_by(&self, moment: DateTime<Utc>) -> bool {
        self.any_report(|f| f.received_at <= moment)
    }

    /// Whether two nodes of one tree are linked.
    pub fn is_with(&self, other: &Node<'_>) -> bool {
        match other.place {
            place if place < LOOKED_UP => self.near >> place & 1 == 1,
            _ if self.place < LOOKED_UP => other.near >> self.place & 1 == 1,
            _ => self.state.zip(other.state).is_some_and(|(one, another)| one.is_with(&another)),
        }
    }

    pub fn is_linked(&self, other: &ObjectRef) -> bool {
        self.state.is_some_and(|s| s.is_linked(other))
    }

    pub fn linked(&self) -> impl Iterator<Item = ObjectRef> {
        self.state.into_iter().flat_map(|s| s.links())
    }

    /// How many objects of a type it is linked with; counted to two, which is all that anybody asks.
    pub fn links_to(&self, kind: &str) -> usize {
        self.state.map_or(0, |s| s.links_to(kind, 2))
    }

    pub fn has(&self, kind: &str) -> bool {
        self.facts.iter().any(|f| &*f.kind == kind)
    }

    pub fn last(&self, kind: &str) -> Option<&Fact> {
        self.facts.iter().rev().find(|f| &*f.kind == kind)
    }

    /// Withdrawn by its own system: cancelled invoices, reversed accruals, cancelled orders count no more.
    pub fn withdrawn(&self) -> bool {
        self.facts.iter().any(|f| matches!(&*f.kind, "invoice.cancelled" | "accrual.reversed" | "order.cancelled"))
    }

    /// The verb of the latest event by the best system that spoke.
    pub fn state(&self) -> String {
        let beliefs = &self.beliefs;
        let best = systems_of_record(&self.object.kind).iter().find_map(|s| beliefs.iter().find(|b| b.system == **s));
        best.or_else(|| beliefs.iter().max_by_key(|b| b.since)).map_or_else(String::new, |b| b.state.clone())
    }

    pub fn amount(&self) -> Option<Money> {
        self.latest(|f| f.detail.amount.clone())
    }

    /// The latest value of a field, by the best system of record that gave one.
    pub fn latest<T>(&self, field: impl Fn(&Fact) -> Option<T>) -> Option<T> {
        let of_system = |system: &str| self.facts.iter().rev().filter(|f| &*f.system == system).find_map(&field);
        let by_record = systems_of_record(&self.object.kind).iter().find_map(|s| of_system(s));
        by_record.or_else(|| self.facts.iter().rev().find_map(&field))
    }

    pub fn last_at(&self) -> Option<DateTime<Utc>> {
        self.facts.last().map(|f| f.occurred_at)
    }

    /// Without what is believed of it.
    fn member(&self) -> Member {
        Member {
            object: self.object.clone(),
            aliases: self.state.map(|s| s.aliases()).unwrap_or_default(),
            depth: self.depth,
            state: self.state(),
            amount: self.amount(),
            events: u32::try_from(self.facts.len()).unwrap_or(u32::MAX),
            last_at: self.last_at(),
            beliefs: Vec::new(),
        }
    }
}

/// The systems that decide a field of an object, best first.
pub fn authority(kind: &str, field: &str) -> &'static [&'static str] {
    match (kind, field) {
        ("shipment" | "order", "carrier") => &["tms", "wms"],
        ("order", "warehouse") => &["erp", "wms"],
        _ => systems_of_record(kind),
    }
}

/// Whether an event about papers or a transport tells of the object that hangs on it.
pub fn tells_of(object: &str, event: &str) -> bool {
    match object {
        "shipment" => matches!(event, "load.departed" | "load.delivered"),
        "invoice" => matches!(event, "payment.received" | "credit_note.issued"),
        _ => false,
    }
}

/// Parts reports from those that only the system of record may make, as soon as it has spoken itself.
fn authorised<'f>(kind: &str, facts: Cow<'f, [Fact]>) -> (Cow<'f, [Fact]>, Vec<Fact>) {
    let record = systems_of_record(kind);
    let is_record = |fact: &Fact| record.contains(&&*fact.system);
    if record.is_empty() || facts.iter().all(is_record) || !facts.iter().any(is_record) {
        return (facts, Vec::new());
    }
    let usual = |fact: &Fact| EVENT_TYPES.iter().find(|e| e.name == &*fact.kind).map_or("", |e| e.system);
    let is_overruled = |fact: &Fact| !is_record(fact) && record.contains(&usual(fact));
    if !facts.iter().any(is_overruled) {
        return (facts, Vec::new());
    }
    let (overruled, facts) = facts.into_owned().into_iter().partition(is_overruled);
    (Cow::Owned(facts), overruled)
}

fn beliefs(object: &ObjectRef, facts: &[Fact], overruled: &[Fact]) -> Vec<Belief> {
    let mut latest: Vec<&Fact> = Vec::new();
    for fact in facts.iter().chain(overruled).filter(|f| fact_is_of(object, f)) {
        match latest.iter_mut().find(|f| f.system == fact.system) {
            Some(older) if older.order() <= fact.order() => *older = fact,
            Some(_) => {}
            None => latest.push(fact),
        }
    }
    latest.sort_by(|a, b| (flow_position(&a.system), &a.system).cmp(&(flow_position(&b.system), &b.system)));
    let belief = |f: &Fact| Belief { system: f.system.to_string(), state: f.verb().to_owned(), since: f.occurred_at };
    latest.into_iter().map(belief).collect()
}

/// Reports of middleware about a message say nothing about the object's own state.
fn fact_is_of(object: &ObjectRef, fact: &Fact) -> bool {
    !fact.kind.starts_with("message.") || object.kind == "message"
}
