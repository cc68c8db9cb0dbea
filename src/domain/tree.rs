//! The part of the graph that one workflow is made of, read once: its objects with the facts that hold.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use milepost_ingest::{EVENT_TYPES, ObjectRef};

use super::fact::Fact;
use super::units::Conversion;
use super::{Activity, Belief, Definition, Graph, Link, Member, Money, Object};

pub struct Tree<'a> {
    /// Nearest first; the root is the first.
    pub nodes: Vec<Node<'a>>,
    graph: &'a Graph,
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
    state: Option<Object<'a>>,
}

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
        let members = graph.members(definition, root);
        let nodes = members.into_iter().map(|(object, depth)| {
            let state = graph.get(&object);
            let (facts, acts) = state.map_or((Cow::Borrowed(&[][..]), Vec::new()), |o| o.told());
            let (facts, overruled) = authorised(&object.kind, facts);
            Node { object, depth, facts, acts, overruled, state }
        });
        Self { nodes: nodes.collect(), graph }
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
        let below = move |other: &&Node<'a>| {
            definition.reaches(&node.object.kind, &other.object.kind) && node.is_linked(&other.object)
        };
        std::iter::once(node).chain(self.nodes.iter().filter(below))
    }

    pub fn links(&self) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        for (position, node) in self.nodes.iter().enumerate() {
            for other in self.nodes[..position].iter().filter(|o| node.is_linked(&o.object)) {
                links.push(Link { from: other.object.clone(), to: node.object.clone() });
            }
        }
        links
    }

    /// What each system believes, also by what it says of the papers of an object: who bills a shipment knows of it.
    pub fn beliefs(&self, node: &Node) -> Vec<Belief> {
        let mut beliefs = node.beliefs();
        let bills = matches!(node.object.kind.as_str(), "order" | "shipment");
        if bills && !beliefs.iter().any(|b| b.system == "billing") {
            let papers = self.of_kind("invoice").filter(|i| !i.withdrawn() && i.is_linked(&node.object));
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
        let state = graph.get(object);
        let (facts, acts) = state.map_or((Cow::Borrowed(&[][..]), Vec::new()), |o| o.told());
        let (facts, overruled) = authorised(&object.kind, facts);
        Self { object: object.clone(), depth: 0, facts, acts, overruled, state }
    }
}

impl Node<'_> {
    /// Everything that was received about it, amendments and acts included.
    pub fn received(&self) -> Vec<Fact> {
        self.state.map(|s| s.facts()).unwrap_or_default()
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

    /// What each system believes, in flow order: the verb of the latest event that each sent about it.
    pub fn beliefs(&self) -> Vec<Belief> {
        let mut beliefs: Vec<Belief> = Vec::new();
        let mut said: Vec<&Fact> = self.facts.iter().chain(&self.overruled).collect();
        said.sort_by(|a, b| a.order().cmp(&b.order()));
        for fact in said.into_iter().filter(|f| fact_is_of(&self.object, f)) {
            let belief =
                Belief { system: fact.system.to_string(), state: fact.verb().to_owned(), since: fact.occurred_at };
            match beliefs.iter_mut().find(|b| b.system == *fact.system) {
                Some(older) => *older = belief,
                None => beliefs.push(belief),
            }
        }
        beliefs.sort_by(|a, b| (flow_position(&a.system), &a.system).cmp(&(flow_position(&b.system), &b.system)));
        beliefs
    }

    /// The verb of the latest event by the best system that spoke.
    pub fn state(&self) -> String {
        let beliefs = self.beliefs();
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

    fn member(&self) -> Member {
        Member {
            object: self.object.clone(),
            aliases: self.state.map(|s| s.aliases()).unwrap_or_default(),
            depth: self.depth,
            state: self.state(),
            amount: self.amount(),
            events: u32::try_from(self.facts.len()).unwrap_or(u32::MAX),
            last_at: self.last_at(),
            beliefs: self.beliefs(),
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
    let (overruled, facts) =
        facts.into_owned().into_iter().partition(|f: &Fact| !is_record(f) && record.contains(&usual(f)));
    (Cow::Owned(facts), overruled)
}

/// Reports of middleware about a message say nothing about the object's own state.
fn fact_is_of(object: &ObjectRef, fact: &Fact) -> bool {
    !fact.kind.starts_with("message.") || object.kind == "message"
}
