//! Replays and actions that were sent and showed no effect in time: open until what was awaited is seen after all.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;
use serde_json::{Map, Value};

use super::{Cured, EventKey, raise_for};
use crate::domain::fact::Fact;
use crate::domain::tree::{Node, Tree};
use crate::domain::{Exception, Milestone, Reached};

const WITHOUT_EFFECT: &str = "replay.without_effect";

pub fn without_effect(tree: &Tree, node: &Node, milestones: &[Milestone], found: &mut Vec<Exception>) {
    // A payload that was replayed again and again without effect is one trouble; the last attempt speaks for it.
    let mut by_cause: BTreeMap<&str, (&Fact, &Map<String, Value>)> = BTreeMap::new();
    for act in node.acts.iter().filter(|act| &*act.kind == WITHOUT_EFFECT) {
        let Some(data) = act.detail.act.as_deref() else { continue };
        let cause = text(data, "payload").filter(|payload| !payload.is_empty()).or_else(|| text(data, "replay"));
        let slot = by_cause.entry(cause.unwrap_or_default()).or_insert((act, data));
        if slot.0.order() < act.order() {
            *slot = (act, data);
        }
    }
    for (cause, (act, data)) in by_cause {
        let via = text(data, "via").unwrap_or("a target");
        let what = if text(data, "payload").is_some_and(|payload| !payload.is_empty()) {
            format!("Payload {cause}")
        } else {
            format!("The action {cause}")
        };
        let detail = format!("{what} went to {via}, and {} did not come", awaited(data));
        let exception = raise_for(
            found,
            cause,
            "replay_without_effect",
            &node.object,
            detail,
            act.occurred_at,
            if via == "pipeline" { "milepost" } else { via },
            false,
        );
        exception.known_by(act).cured = seen(tree, node, milestones, data);
    }
}

fn text<'d>(data: &'d Map<String, Value>, name: &str) -> Option<&'d str> {
    data.get(name).and_then(Value::as_str)
}

fn awaited(data: &Map<String, Value>) -> String {
    let awaits = data.get("awaits").and_then(Value::as_object);
    let named = |name: &str| awaits.and_then(|awaits| text(awaits, name));
    match (named("event"), named("milestone"), named("system")) {
        (Some(kind), ..) => format!("the event {kind}"),
        (_, Some(key), _) => format!("the milestone {key}"),
        (.., Some(system)) => format!("word from {system}"),
        _ => "its event".to_owned(),
    }
}

/// What was awaited, seen after it was sent.
fn seen(tree: &Tree, node: &Node, milestones: &[Milestone], data: &Map<String, Value>) -> Option<Cured> {
    let awaits = data.get("awaits").and_then(Value::as_object)?;
    let sent_at = text(data, "sent_at").and_then(|at| DateTime::parse_from_rfc3339(at).ok());
    let sent_at = sent_at.map_or(DateTime::<Utc>::MIN_UTC, |at| at.to_utc());
    let first = |is: &dyn Fn(&Fact) -> bool| {
        let later = tree.facts().filter(|fact| fact.received_at >= sent_at && is(fact));
        later.min_by_key(|fact| (fact.received_at, fact.order())).map(Cured::by)
    };
    if let Some(kind) = text(awaits, "event") {
        return first(&|fact| *fact.kind == *kind);
    }
    if let Some(system) = text(awaits, "system") {
        return first(&|fact| *fact.system == *system);
    }
    if let Some(key) = text(awaits, "milestone") {
        let reached = milestones.iter().find(|m| m.key == key && m.reached == Reached::Full)?;
        let (at, known_at) = (reached.at?, reached.received_at.or(reached.at)?);
        return Some(Cured { at, known_at, event: reached.events.last().cloned(), kind: key.to_owned() });
    }
    let events: Vec<(ObjectRef, &str)> = awaits
        .get("events")?
        .as_array()?
        .iter()
        .filter_map(|event| Some((ObjectRef::parse(event.get("object")?.as_str()?)?, event.get("id")?.as_str()?)))
        .collect();
    let there = |(object, id): &(ObjectRef, &str)| {
        let nodes = tree.nodes.iter().filter(|n| n.object == *object).chain([node]);
        nodes.flat_map(|n| n.facts.iter()).find(|fact| *fact.id == **id)
    };
    let facts: Vec<&Fact> = events.iter().map(there).collect::<Option<_>>()?;
    let last = facts.into_iter().max_by_key(|fact| fact.received_at)?;
    let event = Some(EventKey { source: last.source.to_string(), id: last.id.to_string() });
    Some(Cured { at: last.occurred_at, known_at: last.received_at, event, kind: last.kind.to_string() })
}
