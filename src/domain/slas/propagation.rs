//! How long news takes: from an event of one system until another speaks of the same thing, or until it is here.

use super::{Run, View};
use crate::domain::definition::EventMatch;
use crate::domain::tree::Node;
use crate::domain::{Cured, Fact};

/// Clocks that one policy has in one workflow at most.
const MAX_CLOCKS: usize = 100;

pub(super) fn runs(view: &View<'_>, events: &[EventMatch], of: Option<&str>, known_to: &str) -> Vec<Run> {
    let news = |fact: &&Fact| events.iter().any(|e| e.matches(fact)) && of.is_none_or(|system| *fact.system == *system);
    let mut runs = Vec::new();
    for node in &view.tree.nodes {
        let Some(first) = node.facts.iter().find(news) else { continue };
        let word = if known_to == "milepost" { Some(first) } else { heard(view, node, known_to) };
        let ended_at = word.map(|word| match known_to {
            "milepost" => word.received_at.max(word.occurred_at),
            _ => word.occurred_at.max(first.occurred_at),
        });
        runs.push(Run {
            object: node.object.clone(),
            started_at: first.occurred_at,
            known_at: first.received_at,
            ended_at,
            end: word.zip(ended_at).map(|(word, at)| Cured {
                at,
                known_at: word.received_at.max(at),
                ..Cured::by(word)
            }),
            dropped: view.cancelled || node.withdrawn(),
            breaches: 0,
            from: first.kind.to_string(),
            to: known_to.to_owned(),
            system: known_to.to_owned(),
        });
    }
    runs.truncate(MAX_CLOCKS);
    runs
}

/// The first word of a system of an object: about it, or of something that is linked with it.
fn heard<'v>(view: &View<'v>, node: &Node<'_>, system: &str) -> Option<&'v Fact> {
    let about = |other: &&Node<'_>| other.object == node.object || other.is_with(node);
    view.tree
        .nodes
        .iter()
        .filter(about)
        .flat_map(|other| other.facts.iter().filter(|f| *f.system == *system))
        .min_by_key(|fact| fact.order())
}
