//! Silence: between two milestones some word is expected again and again. Every word sets the clock anew; a stretch
//! that was too long is counted, also when word came in the end.

use chrono::{DateTime, Utc};

use super::{Run, SlaRule, View, clock};
use crate::domain::tree::Node;
use crate::domain::{Cured, Fact, Per, Sla, Verdict};

/// Objects of one workflow that are listened for at most.
const MAX_CLOCKS: usize = 100;
/// Words about one object that are looked at.
const MAX_WORDS: usize = 1_000;

pub(super) fn clocks(
    rule: &SlaRule,
    view: &View<'_>,
    (from, to): (usize, usize),
    systems: &[String],
    as_of: DateTime<Utc>,
) -> Vec<Sla> {
    let rules = &view.definition.milestones;
    let units: Vec<&Node<'_>> = match &rules[from].per {
        Per::Object(kind) => view.tree.of_kind(kind).filter(|u| !u.withdrawn()).take(MAX_CLOCKS).collect(),
        Per::Root | Per::Line => vec![view.tree.root()],
    };
    units.into_iter().filter_map(|unit| one(rule, view, unit, (from, to), systems, as_of)).collect()
}

fn one(
    rule: &SlaRule,
    view: &View<'_>,
    unit: &Node<'_>,
    (from, to): (usize, usize),
    systems: &[String],
    as_of: DateTime<Utc>,
) -> Option<Sla> {
    let rules = &view.definition.milestones;
    let mut facts: Vec<&Fact> = view.tree.branch(view.definition, unit).flat_map(|n| n.facts.iter()).collect();
    facts.sort_by(|a, b| a.order().cmp(&b.order()));
    let first = facts.iter().find(|f| rules[from].events.iter().any(|e| e.matches(f)))?;
    let end = facts.iter().find(|f| f.order() >= first.order() && rules[to].events.iter().any(|e| e.matches(f)));
    let within = |f: &&&Fact| f.order() > first.order() && end.is_none_or(|end| f.order() < end.order());
    let words = facts.iter().filter(within).filter(|f| systems.iter().any(|s| *f.system == **s)).take(MAX_WORDS);

    let run = |word: &Fact, next: Option<&Fact>, breaches: u32| Run {
        object: unit.object.clone(),
        started_at: word.occurred_at,
        known_at: word.received_at,
        ended_at: next.map(|fact| fact.occurred_at),
        end: next.map(Cured::by),
        dropped: view.cancelled,
        breaches,
        from: rules[from].key.clone(),
        to: rules[to].key.clone(),
        system: systems.first().cloned().unwrap_or_default(),
    };
    let mut breaches = 0;
    let mut last: &Fact = first;
    let mut late: Option<Sla> = None;
    for word in words {
        let stretch = clock(rule, view, run(last, Some(word), 0), as_of)?;
        if stretch.verdict == Verdict::MetLate {
            breaches += 1;
            late = late.or(Some(stretch));
        }
        last = word;
    }
    let mut sla = clock(rule, view, run(last, end.copied(), breaches), as_of)?;
    // When all is over, what is told is the stretch that was too long first.
    if let (Some(late), Some(ended_at)) = (late, sla.ended_at) {
        sla = Sla { ended_at: Some(ended_at), end: sla.end, breaches: sla.breaches, verdict: Verdict::MetLate, ..late };
    }
    Some(sla)
}
