//! As it was first known: the verdict at the moment when the time ran out, by what had been received until then. A pure
//! function of the facts and their receive times, so that it is the same after a restart and on every page.

use chrono::{DateTime, TimeDelta, Utc};

use rustc_hash::FxHashSet;

use super::{SlaRule, Subject, Traits, View, judge};
use crate::domain::definition::Group;
use crate::domain::derive::{is_cancelled, wants_proof};
use crate::domain::fact::Fact;
use crate::domain::lines::Lines;
use crate::domain::milestones::{Setting, milestones};
use crate::domain::tree::{Node, Tree};
use crate::domain::{Graph, MilestoneRule, Sla, Verdict};

/// `Breached` or `Met`; None before the due time, and where the clock was not known of by then.
pub(super) fn first_known(rule: &SlaRule, sla: &Sla, view: &View<'_>, as_of: DateTime<Utc>) -> Option<Verdict> {
    let due = sla.due_at;
    if as_of <= due || sla.standing_since.is_some() || sla.known_at > due || !view.tree.root().is_heard_by(due) {
        return None;
    }
    let mut late = view.tree.nodes.iter().filter(|node| node.is_learnt_late(due));
    if late.any(|node| looks_back(rule, view, node, due)) {
        return then(rule, sla, view);
    }
    // Nothing that was learnt later looks back: at the due time it stood as it stands now for that time.
    let met = sla.ended_at.is_some_and(|at| at <= due);
    let verdict = Some(if met { Verdict::Met } else { Verdict::Breached });
    #[cfg(test)]
    if view.tree.nodes.iter().any(|node| node.is_learnt_late(due)) {
        // Every test of the domain is a test of this short cut.
        assert_eq!(verdict, then(rule, sla, view), "{} of {}", rule.key, sla.object);
    }
    verdict
}

/// Whether something that was learnt of a node after the due time may have to do with the clock. When in doubt it may:
/// then all is read as it was.
fn looks_back(rule: &SlaRule, view: &View<'_>, node: &Node<'_>, due: DateTime<Utc>) -> bool {
    let Subject::Milestones { from, to } = rule.subject else { return true };
    let rules = &view.definition.milestones;
    let (from, to, later) = (&rules[from], &rules[to], &rules[to + 1..]);
    let grouped = rules.iter().any(|m| match &m.group {
        Some(Group::Any(members) | Group::All(members)) => {
            std::ptr::eq(m, from) || std::ptr::eq(m, to) || members.iter().any(|at| std::ptr::eq(&rules[*at], to))
        }
        None => false,
    });
    if grouped || to.optional || to.when.is_some() || !node.overruled.is_empty() {
        return true;
    }
    let (known, late): (Vec<Fact>, Vec<Fact>) = node.received().into_iter().partition(|f| f.received_at <= due);
    if known.is_empty() {
        return true;
    }
    let links: FxHashSet<_> = known.iter().flat_map(|f| f.refs.iter()).collect();
    let concerns = |fact: &Fact| {
        let decides = |m: &MilestoneRule| {
            let preferred = m.prefer.iter().map(|p| &p.event);
            m.events.iter().chain(preferred).any(|event| event.matches(fact))
        };
        let overtakes =
            to.quantity.is_some() && later.iter().any(|m| m.quantity.is_some() && m.system == to.system && decides(m));
        let detail = &fact.detail;
        fact.is_amendment()
            || decides(from)
            || decides(to)
            || overtakes
            || detail.head.is_some()
            || rule.pauses.iter().any(|p| p.from.iter().chain(&p.until).any(|event| event.matches(fact)))
            || rule.calendar.by.is_some() && (detail.warehouse.is_some() || detail.carrier.is_some())
            || detail.lines.is_some() && (fact.kind.starts_with("order.") || fact.kind.starts_with("shipment."))
            || matches!(&*fact.kind, "object.aliased" | "accrual.reversed")
            || fact.kind.ends_with(".cancelled")
            || fact.refs.iter().any(|r| !links.contains(r))
    };
    late.iter().any(|fact| !fact.is_act() && (fact.occurred_at <= due || fact.is_amendment()) && concerns(fact))
}

/// The verdict of a workflow of which nothing is known but what had been received by the due time.
fn then(rule: &SlaRule, sla: &Sla, view: &View<'_>) -> Option<Verdict> {
    let due = sla.due_at;
    let mut graph = Graph::default();
    for node in &view.tree.nodes {
        for fact in node.received().into_iter().filter(|f| f.received_at <= due) {
            graph.add(&node.object, fact);
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
