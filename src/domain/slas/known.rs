//! As it was first known: the verdict at the moment when the time ran out, by what had been received until then. A pure
//! function of the facts and their receive times, so that it is the same after a restart and on every page.

use chrono::{DateTime, TimeDelta, Utc};

use super::{SlaRule, Traits, View, judge};
use crate::domain::derive::{is_cancelled, wants_proof};
use crate::domain::lines::Lines;
use crate::domain::milestones::{Setting, milestones};
use crate::domain::tree::Tree;
use crate::domain::{Graph, Sla, Verdict};

/// `Breached` or `Met`; None before the due time, and where the clock was not known of by then.
pub(super) fn first_known(rule: &SlaRule, sla: &Sla, view: &View<'_>, as_of: DateTime<Utc>) -> Option<Verdict> {
    let due = sla.due_at;
    if as_of <= due || sla.standing_since.is_some() || sla.known_at > due {
        return None;
    }
    let raw = || view.tree.nodes.iter().flat_map(|node| node.received());
    let came_late = raw().any(|f| f.received_at > due && !f.is_act() && (f.occurred_at <= due || f.is_amendment()));
    if !came_late {
        // Nothing that was learnt later looks back: at the due time it stood as it stands now for that time.
        let met = sla.ended_at.is_some_and(|at| at <= due);
        return Some(if met { Verdict::Met } else { Verdict::Breached });
    }
    let mut graph = Graph::default();
    for node in &view.tree.nodes {
        for fact in node.received().iter().filter(|f| f.received_at <= due) {
            graph.add(&node.object, fact.clone());
        }
    }
    let root = &view.tree.root().object;
    graph.get(root).filter(|o| o.speaks())?;
    let tree = Tree::read(view.definition, &graph, root);
    let lines = Lines::read(&tree);
    let cancelled = is_cancelled(tree.root(), &lines);
    let moment = due + TimeDelta::milliseconds(1);
    let setting = Setting {
        definition: view.definition,
        tree: &tree,
        lines: &lines,
        pod_required: wants_proof(tree.root()),
        cancelled,
        as_of: moment,
    };
    let (milestones, _) = milestones(&setting);
    let traits = Traits::of(&tree);
    let then = View { definition: view.definition, tree: &tree, milestones: &milestones, cancelled, traits: &traits };
    let found = judge(rule, &then, moment).into_iter().find(|s| s.object == sla.object)?;
    match found.verdict {
        Verdict::Breached => Some(Verdict::Breached),
        Verdict::Met | Verdict::MetLate => Some(Verdict::Met),
        _ => None,
    }
}
