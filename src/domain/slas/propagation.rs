//! How long news takes: from an event of one system until another speaks of the same thing, or until it is here.

use super::{Run, View};
use crate::domain::Fact;
use crate::domain::definition::EventMatch;
use crate::domain::tree::Node;

/// Clocks that one policy has in one workflow at most.
const MAX_CLOCKS: usize = 100;

pub(super) fn runs(view: &View<'_>, events: &[EventMatch], of: Option<&str>, known_to: &str) -> Vec<Run> {
    let news = |fact: &&Fact| events.iter().any(|e| e.matches(fact)) && of.is_none_or(|system| *fact.system == *system);
    let mut runs = Vec::new();
    for node in &view.tree.nodes {
        let Some(first) = node.facts.iter().find(news) else { continue };
        let ended_at = if known_to == "milepost" {
            Some(first.received_at.max(first.occurred_at))
        } else {
            heard(view, node, known_to).map(|at| at.max(first.occurred_at))
        };
        runs.push(Run {
            object: node.object.clone(),
            started_at: first.occurred_at,
            known_at: first.received_at,
            ended_at,
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

/// When a system first spoke of an object: about it, or of something that is linked with it.
fn heard(view: &View<'_>, node: &Node<'_>, system: &str) -> Option<chrono::DateTime<chrono::Utc>> {
    let about = |other: &&Node<'_>| other.object == node.object || other.is_linked(&node.object);
    view.tree
        .nodes
        .iter()
        .filter(about)
        .flat_map(|other| other.facts.iter().filter(|f| *f.system == *system))
        .map(|fact| fact.occurred_at)
        .min()
}
