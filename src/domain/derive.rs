//! `derive`: from the graph to one workflow, as of a moment. Everything that a page says about a workflow is
//! decided here, from facts and the definition alone.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use milepost_ingest::ObjectRef;

use super::definition::Definition;
use super::exceptions::exceptions;
use super::fact::{Entry, Fact};
use super::lines::Lines;
use super::milestones::{Setting, milestones};
use super::readiness::{Books, readiness};
use super::reconciliation::discrepancies;
use super::slas::{Traits, View, slas};
use super::tree::{Node, Tree};
use super::{
    Blocked, Definitions, Exception, Graph, LastEvent, Milestone, Reached, Readiness, Sla, Status, Verdict, Workflow,
};

/// What the facts of a workflow add up to: its objects, the quantities of its lines, the milestones that are reached.
/// Clocks, exceptions and readiness are judged by it.
pub struct Fold<'g> {
    pub tree: Tree<'g>,
    pub lines: Lines,
    pub milestones: Vec<Milestone>,
    /// When the wait for a preferred event ends.
    pub preferred_at: Option<DateTime<Utc>>,
    pub cancelled: bool,
}

/// The fold of `root`, or None when the root has said nothing itself.
pub fn fold<'g>(definition: &Definition, graph: &'g Graph, root: &ObjectRef, as_of: DateTime<Utc>) -> Option<Fold<'g>> {
    let state = graph.get(root)?;
    if root.kind != definition.root || !state.speaks() || state.name() != *root {
        return None;
    }
    let tree = Tree::read(definition, graph, root);
    let lines = Lines::read(&tree);
    let pod_required = wants_proof(tree.root());
    let cancelled = is_cancelled(tree.root(), &lines);
    let setting = Setting { definition, tree: &tree, lines: &lines, pod_required, cancelled, as_of };
    let (milestones, preferred_at) = milestones(&setting);
    Some(Fold { tree, lines, milestones, preferred_at, cancelled })
}

/// The workflow of `root`, or None when the root has said nothing itself.
pub fn derive(definition: &Definition, graph: &Graph, root: &ObjectRef, as_of: DateTime<Utc>) -> Option<Workflow> {
    let Fold { tree, lines, mut milestones, preferred_at, cancelled } = fold(definition, graph, root, as_of)?;
    let head = tree.root();
    let latest = tree.facts().max_by_key(|f| f.order())?;
    let traits = Traits::of(&tree);

    let view = View { definition, tree: &tree, milestones: &milestones, cancelled, traits: &traits };
    let slas = slas(&view, as_of);
    for milestone in &mut milestones {
        let waiting = slas.iter().filter(|s| s.runs() && s.to == milestone.key);
        milestone.expected_at = waiting.map(|s| s.due_at).min();
    }
    let done = milestones.iter().all(|m| m.optional || matches!(m.reached, Reached::Full | Reached::Skipped));
    let ended = (done || cancelled).then_some(latest);
    let rules = &definition.readiness;
    let books = (root.kind == "order").then(|| Books::read(&tree, &lines, &milestones, rules));
    let discrepancies = discrepancies(&tree, books.as_ref(), rules);
    let found = exceptions(&tree, &lines, &milestones, &slas, books.as_ref(), &discrepancies, ended, as_of);
    let exceptions = found.open;
    let readiness = match &books {
        Some(books) => readiness(&tree, books, rules, &exceptions, &discrepancies, as_of),
        None => Readiness::none(),
    };
    drop(books);

    let closed = done || cancelled;
    let blocked_by = if closed { None } else { blocked_by(&milestones, &slas, &exceptions, latest) };
    let status = match () {
        () if cancelled => Status::Cancelled,
        () if done => Status::Done,
        () if slas.iter().any(|s| s.verdict == Verdict::Breached) => Status::Breached,
        () if slas.iter().any(|s| s.verdict == Verdict::AtRisk) => Status::AtRisk,
        () if exceptions.iter().any(|e| e.blocking) => Status::Blocked,
        () => Status::OnTrack,
    };
    let clocks = slas.iter().flat_map(|s| s.wakes().into_iter().flatten());
    // Where all is done, what still runs may yet run out: that one system told another, that word came.
    let other = found.wakes_at.into_iter().chain(preferred_at).chain(readiness.wakes_at).filter(|_| !closed);
    let wakes_at = clocks.chain(other).filter(|t| *t > as_of).min();
    let stage = milestones.iter().rposition(|m| matches!(m.reached, Reached::Full | Reached::Part));
    let created_at = milestones.first().and_then(|m| m.at).or_else(|| head.facts.first().map(|f| f.occurred_at))?;
    Some(Workflow {
        definition: definition.key.clone(),
        definition_version: definition.version,
        title: definition.title.clone(),
        root: root.clone(),
        status,
        stage: stage.map_or_else(String::new, |s| milestones[s].key.clone()),
        stage_number: stage.map_or(0, |s| u32::try_from(s + 1).unwrap_or(u32::MAX)),
        customer: traits.customer,
        amount: traits.amount,
        priority: traits.priority,
        warehouse: traits.warehouse,
        carrier: traits.carrier,
        lane: traits.lane,
        created_at,
        last_event: LastEvent {
            kind: latest.kind.to_string(),
            system: latest.system.to_string(),
            occurred_at: latest.occurred_at,
            received_at: latest.received_at,
        },
        closed_at: if closed { Some(latest.occurred_at) } else { None },
        objects: tree.members(),
        links: tree.links(),
        items: lines.items(),
        lines: lines.into_vec(),
        milestones,
        slas,
        exceptions,
        cured: found.cured,
        readiness,
        discrepancies,
        blocked_by,
        activity: tree.activity(),
        stored: tree.stored,
        as_of,
        wakes_at,
    })
}

/// The workflow of `root` from stored events alone: what a page shows, also for a moment in the past.
/// The same facts give the same workflow as in the live pipeline.
pub fn assemble(
    definitions: &Definitions,
    root: &ObjectRef,
    entries: impl IntoIterator<Item = Entry>,
    as_of: DateTime<Utc>,
) -> Option<Workflow> {
    let graph = graph_of(entries, as_of);
    let shown = graph.get(root)?.name();
    derive(definition_of(definitions, &graph, &shown)?, &graph, &shown, as_of)
}

/// As `assemble`, by one definition, whatever version the workflow began with.
pub fn derive_by(
    definition: &Definition,
    root: &ObjectRef,
    entries: impl IntoIterator<Item = Entry>,
    as_of: DateTime<Utc>,
) -> Option<Workflow> {
    let graph = graph_of(entries, as_of);
    let shown = graph.get(root)?.name();
    derive(definition, &graph, &shown, as_of)
}

fn graph_of(entries: impl IntoIterator<Item = Entry>, as_of: DateTime<Utc>) -> Graph {
    let mut graph = Graph::default();
    for entry in entries {
        if entry.received_at <= as_of {
            graph.add(&entry.event.object, Fact::of(&entry.event, entry.received_at));
        }
    }
    graph
}

/// The definition by which the workflow of `root` goes: the version that it began with, or was migrated to.
pub fn definition_of<'d>(definitions: &'d Definitions, graph: &Graph, root: &ObjectRef) -> Option<&'d Arc<Definition>> {
    let object = graph.get(root)?;
    if !definitions.has_versions() {
        return definitions.of_root(&root.kind);
    }
    let (facts, acts) = object.told();
    definitions.of_workflow(&root.kind, &facts, &acts)
}

/// Whether the customer wants a proof of delivery.
pub fn wants_proof(root: &Node<'_>) -> bool {
    root.latest(|f| f.detail.head.as_ref()?.pod_required).unwrap_or(false)
}

/// Cancelled before anything of it left.
pub fn is_cancelled(root: &Node<'_>, lines: &Lines) -> bool {
    root.has("order.cancelled") && lines.iter().all(|l| l.shipped.is_zero())
}

/// The next milestone that must come, and is not optional.
pub fn next_milestone(milestones: &[Milestone]) -> Option<&Milestone> {
    milestones.iter().find(|m| !m.optional && matches!(m.reached, Reached::No | Reached::Part))
}

fn blocked_by(milestones: &[Milestone], slas: &[Sla], exceptions: &[Exception], latest: &Fact) -> Option<Blocked> {
    let next = next_milestone(milestones);
    let by_when = next.and_then(|m| m.expected_at).or_else(|| slas.iter().filter(|s| s.runs()).map(|s| s.due_at).min());
    if let Some(worst) = exceptions.iter().find(|e| e.blocking) {
        return Some(Blocked {
            what: worst.detail.clone(),
            code: worst.kind.clone(),
            who: worst.system.clone(),
            by_when,
            since: worst.since,
        });
    }
    let next = next?;
    let what = match next.reached {
        Reached::Part => {
            format!("“{}” only in part ({} %)", next.title, (next.share * rust_decimal::Decimal::ONE_HUNDRED).round())
        }
        _ => format!("“{}” not reported yet", next.title),
    };
    Some(Blocked { what, code: "waiting".to_owned(), who: next.system.clone(), by_when, since: latest.occurred_at })
}
