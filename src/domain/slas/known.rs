//! As it was first known: the verdict at the moment when the time ran out, by what had been received until then. A pure
//! function of the facts and their receive times, so that it is the same after a restart and on every page.

use chrono::{DateTime, TimeDelta, Utc};

use super::{SlaRule, Subject, Traits, View, judge};
use crate::domain::definition::Group;
use crate::domain::derive::{Fold, fold};
use crate::domain::fact::Fact;
use crate::domain::tree::{Loose, Node};
use crate::domain::{Graph, MilestoneRule, Per, Sla, Verdict};

/// `Breached` or `Met`; None before the due time, and where the clock was not known of by then.
pub(super) fn first_known(rule: &SlaRule, sla: &Sla, view: &View<'_>, as_of: DateTime<Utc>) -> Option<Verdict> {
    let due = sla.due_at;
    if as_of <= due || sla.standing_since.is_some() || sla.known_at > due || !view.tree.root().is_heard_by(due) {
        return None;
    }
    let loose = view.tree.loose_then(view.definition, due);
    if loose.is_none_or(|loose| looks_back(rule, sla, view, &loose)) {
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

/// Whether anything that was learnt after the due time, of what was before it, may have to do with the clock: links, and
/// what was said. When in doubt it may: then all is read as it was.
fn looks_back(rule: &SlaRule, sla: &Sla, view: &View<'_>, loose: &Loose<'_, '_>) -> bool {
    let due = sla.due_at;
    let mut late = view.tree.nodes.iter().filter(|node| node.is_learnt_late(due)).peekable();
    if late.peek().is_none() && loose.links.is_empty() && loose.astray.is_empty() {
        return false;
    }
    let milestones = &view.definition.milestones;
    let decides = |rule: &MilestoneRule, fact: &Fact| {
        let preferred = rule.prefer.iter().map(|p| &p.event);
        rule.events.iter().chain(preferred).any(|event| event.matches(fact))
    };
    // Whether it is decided by parts: then lines, and which parts there are, have to do with it. And whether others than
    // the milestones of its ends decide.
    let (parted, wide) = match &rule.subject {
        Subject::Milestones { from, to } => {
            let grouped = milestones.iter().any(|m| match &m.group {
                Some(Group::Any(members) | Group::All(members)) => {
                    std::ptr::eq(m, &milestones[*from]) || std::ptr::eq(m, &milestones[*to]) || members.contains(to)
                }
                None => false,
            });
            let by_parts = |at: &usize| milestones[*at].quantity.is_some() || milestones[*at].per != Per::Root;
            let wide = grouped || milestones[*to].optional || milestones[*to].when.is_some();
            (by_parts(from) || by_parts(to), wide)
        }
        Subject::Propagation { .. } | Subject::Silence { .. } => (false, false),
    };
    if wide && (late.peek().is_some() || !loose.astray.is_empty()) {
        return true;
    }
    // Whether the fact is one of those that begin or end it.
    let bounds = |fact: &Fact| match &rule.subject {
        Subject::Milestones { .. } if wide => milestones.iter().any(|m| decides(m, fact)),
        Subject::Milestones { from, to } => {
            let (from, to, later) = (&milestones[*from], &milestones[*to], &milestones[to + 1..]);
            let mut overtakers = later.iter().filter(|m| m.quantity.is_some() && m.system == to.system);
            decides(from, fact)
                || decides(to, fact)
                || to.quantity.is_some() && overtakers.any(|overtaker| decides(overtaker, fact))
        }
        Subject::Propagation { events, known_to, .. } => {
            *fact.system == **known_to || events.iter().any(|event| event.matches(fact))
        }
        Subject::Silence { from, to, systems } => {
            // Words before the one that set the clock last do not set it.
            let spoke = fact.occurred_at >= sla.started_at && systems.iter().any(|system| *fact.system == **system);
            spoke || decides(&milestones[*from], fact) || decides(&milestones[*to], fact)
        }
    };
    let is_unit = |node: &Node<'_>| match &rule.subject {
        Subject::Propagation { .. } => true,
        Subject::Milestones { from, to } | Subject::Silence { from, to, .. } => {
            [*from, *to].iter().any(|at| matches!(&milestones[*at].per, Per::Object(kind) if *kind == node.object.kind))
        }
    };
    // What hangs on a part counts for it, and what one system says of its papers.
    let adds = |part: &Node<'_>, other: &Node<'_>| match &rule.subject {
        Subject::Milestones { .. } if !parted && !wide => false,
        _ => is_unit(part) || part.object.kind == "shipment" || other.object.kind == "order",
    };
    let tied = |part: &Node<'_>, other: &Node<'_>| adds(part, other) && other.any_report(bounds);
    if loose.links.iter().any(|(one, other)| tied(one, other) || tied(other, one)) {
        return true;
    }
    let by_lines = parted || view.tree.root().has("order.cancelled");
    let concerns = |fact: &Fact| {
        let detail = &fact.detail;
        fact.is_amendment()
            || bounds(fact)
            || detail.head.is_some()
            || rule.pauses.iter().any(|p| p.from.iter().chain(&p.until).any(|event| event.matches(fact)))
            || rule.calendar.by.is_some() && (detail.warehouse.is_some() || detail.carrier.is_some())
            || by_lines
                && detail.lines.is_some()
                && (fact.kind.starts_with("order.") || fact.kind.starts_with("shipment."))
            || matches!(&*fact.kind, "object.aliased" | "accrual.reversed")
            || fact.kind.ends_with(".cancelled")
    };
    let is_part =
        |node: &Node<'_>| parted && (is_unit(node) || matches!(node.object.kind.as_str(), "shipment" | "return"));
    late.any(|node| {
        let is_news =
            |fact: &Fact| fact.received_at > due && (fact.occurred_at <= due || fact.is_amendment()) && concerns(fact);
        !node.overruled.is_empty() || is_part(node) && !node.is_heard_by(due) || node.any_report(is_news)
    }) || loose.astray.iter().any(|node| !node.overruled.is_empty() || is_part(node) || node.any_report(concerns))
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
    let moment = due + TimeDelta::milliseconds(1);
    let Fold { tree, milestones, cancelled, .. } = fold(view.definition, &graph, &view.tree.root().object, moment)?;
    let traits = Traits::of(&tree);
    let then = View { definition: view.definition, tree: &tree, milestones: &milestones, cancelled, traits: &traits };
    let found = judge(rule, &then, moment).into_iter().find(|s| s.object == sla.object)?;
    match found.verdict {
        Verdict::Breached => Some(Verdict::Breached),
        Verdict::Met | Verdict::MetLate => Some(Verdict::Met),
        _ => None,
    }
}
