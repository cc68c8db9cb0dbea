//! What events about one object come to once corrections and voids are laid over them: what each system says, amounts,
//! and quantities by line.

use milepost_ingest::ObjectRef;
use serde::Serialize;

use crate::domain::{Fact, Graph};
use crate::pages::time::{Clock, Time};
use crate::pages::words;
use crate::store::rows::EventRow;

#[derive(Debug, Serialize)]
pub struct Belief {
    pub system: String,
    pub tone: &'static str,
    pub state: String,
    pub since: Time,
}

#[derive(Debug, Serialize)]
pub struct Amount {
    pub title: String,
    pub value: String,
    pub system: String,
    pub tone: &'static str,
    pub at: Time,
}

/// Quantities: a row a line, a column a kind of event.
#[derive(Debug, Default, Serialize)]
pub struct Lines {
    pub columns: Vec<String>,
    pub rows: Vec<Line>,
}

#[derive(Debug, Serialize)]
pub struct Line {
    pub key: String,
    pub order: Option<words::Ref>,
    pub line: String,
    pub sku: String,
    pub lot: String,
    /// As many as there are columns.
    pub quantities: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
pub struct Told {
    pub beliefs: Vec<Belief>,
    pub amounts: Vec<Amount>,
    pub lines: Lines,
    pub details: Vec<(&'static str, String)>,
}

pub fn told(tenant: &str, clock: &Clock, object: &ObjectRef, events: &[EventRow]) -> Told {
    let mut graph = Graph::default();
    for entry in events.iter().cloned().filter_map(EventRow::into_entry) {
        graph.add(object, Fact::of(&entry.event, entry.received_at));
    }
    let Some(state) = graph.get(object) else { return Told::default() };
    let (facts, _) = state.told();
    Told {
        beliefs: beliefs(clock, &facts),
        amounts: amounts(clock, &facts),
        lines: lines(tenant, &facts),
        details: details(clock, &facts),
    }
}

/// The verb of each system's latest event, in the order of the flow. Reports of middleware say nothing of the object.
fn beliefs(clock: &Clock, facts: &[Fact]) -> Vec<Belief> {
    let mut latest: Vec<&Fact> = Vec::new();
    for fact in facts.iter().filter(|f| !f.kind.starts_with("message.")) {
        match latest.iter_mut().find(|known| known.system == fact.system) {
            Some(known) => *known = fact,
            None => latest.push(fact),
        }
    }
    latest.sort_by_key(|fact| words::system_rank(&fact.system));
    let belief = |fact: &&Fact| Belief {
        system: words::system(&fact.system),
        tone: words::lane(&fact.system),
        state: fact.verb().replace('_', " "),
        since: clock.time(fact.occurred_at.timestamp_millis()),
    };
    latest.iter().map(belief).collect()
}

/// The latest amount of each kind of event.
fn amounts(clock: &Clock, facts: &[Fact]) -> Vec<Amount> {
    let mut latest: Vec<&Fact> = Vec::new();
    for fact in facts.iter().filter(|f| f.detail.amount.is_some()) {
        match latest.iter_mut().find(|known| known.kind == fact.kind && known.system == fact.system) {
            Some(known) => *known = fact,
            None => latest.push(fact),
        }
    }
    let amount = |fact: &&Fact| {
        Some(Amount {
            title: words::event_title(&fact.kind),
            value: words::money(fact.detail.amount.as_ref()?),
            system: words::system(&fact.system),
            tone: words::lane(&fact.system),
            at: clock.time(fact.occurred_at.timestamp_millis()),
        })
    };
    latest.iter().filter_map(amount).collect()
}

fn lines(tenant: &str, facts: &[Fact]) -> Lines {
    let mut latest: Vec<&Fact> = Vec::new();
    for fact in facts.iter().filter(|f| f.detail.lines.as_deref().is_some_and(|l| !l.is_empty())) {
        match latest.iter_mut().find(|known| known.kind == fact.kind) {
            Some(known) => *known = fact,
            None => latest.push(fact),
        }
    }
    let mut rows: Vec<Line> = Vec::new();
    for (column, fact) in latest.iter().enumerate() {
        for (place, said) in fact.detail.lines.iter().flatten().enumerate() {
            let text = |value: &Option<Box<str>>| value.as_deref().unwrap_or_default().to_owned();
            let (order, line, sku, lot) = (text(&said.order), text(&said.line), text(&said.sku), text(&said.lot));
            // Without a number the place tells one line from another.
            let name = if line.is_empty() { format!("#{place}") } else { line.clone() };
            let key = format!("{order} {name} {lot}");
            let at = rows.iter().position(|row| row.key == key).unwrap_or_else(|| {
                let order = (!order.is_empty()).then(|| words::Ref::stored(tenant, &format!("order/{order}")));
                let (sku, lot) = (sku.clone(), lot.clone());
                rows.push(Line { key, order, line, sku, lot, quantities: vec![String::new(); latest.len()] });
                rows.len() - 1
            });
            let unit = said.unit.as_deref().map_or_else(String::new, |unit| format!(" {unit}"));
            rows[at].quantities[column] = format!("{}{unit}", words::quantity(said.quantity));
            if rows[at].sku.is_empty() {
                rows[at].sku = sku;
            }
        }
    }
    Lines { columns: latest.iter().map(|f| words::capital(&f.verb().replace('_', " "))).collect(), rows }
}

/// The latest word on what most objects have one of.
fn details(clock: &Clock, facts: &[Fact]) -> Vec<(&'static str, String)> {
    let last = |read: &dyn Fn(&Fact) -> Option<String>| facts.iter().rev().find_map(read);
    let text = |value: &Option<Box<str>>| value.as_deref().map(str::to_owned);
    let said = [
        ("Customer", last(&|f| f.detail.head.as_ref().and_then(|h| text(&h.customer)))),
        ("Warehouse", last(&|f| text(&f.detail.warehouse))),
        ("Carrier", last(&|f| text(&f.detail.carrier))),
        ("Expected", last(&|f| f.detail.eta.map(|at| clock.text(at.timestamp_millis())))),
        ("Reason", last(&|f| text(&f.detail.reason))),
    ];
    said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
