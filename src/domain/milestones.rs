//! Which milestones are reached, by whom and when, by the definition's rules: parts of one milestone roll up, a
//! preferred event is waited for, groups stand for others.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::definition::{Definition, EventMatch, Group, MilestoneRule, Per, Prefer, RollUp};
use super::fact::Fact;
use super::lines::Lines;
use super::tree::{Node, Tree};
use super::{EventKey, Milestone, Reached};

/// What of a workflow milestones are made of.
pub struct Setting<'a> {
    pub definition: &'a Definition,
    pub tree: &'a Tree<'a>,
    pub lines: &'a Lines,
    pub pod_required: bool,
    pub cancelled: bool,
    pub as_of: DateTime<Utc>,
}

/// The milestones, and when time alone will change one: the end of a wait for a preferred event.
pub fn milestones(setting: &Setting) -> (Vec<Milestone>, Option<DateTime<Utc>>) {
    let definition = setting.definition;
    let mut wakes_at: Option<DateTime<Utc>> = None;
    let mut all: Vec<Milestone> = Vec::with_capacity(definition.milestones.len());
    for rule in &definition.milestones {
        let milestone = match &rule.group {
            Some(group) => of_group(rule, group, &all),
            None => one(setting, rule, &mut wakes_at),
        };
        all.push(milestone);
    }
    let furthest = all.iter().rposition(|m| m.reached != Reached::No).unwrap_or(0);
    let mut spared = vec![false; all.len()];
    for (rule, milestone) in definition.milestones.iter().zip(&all) {
        if let Some(Group::Any(members)) = &rule.group {
            members.iter().for_each(|m| spared[*m] |= milestone.reached == Reached::Full);
        }
    }
    for position in 0..all.len() {
        let rule = &definition.milestones[position];
        // What a system has fully shipped it has picked, whether it said so or not.
        let overtaken = rule.quantity.is_some()
            && (position + 1..all.len()).any(|later| {
                let other = &definition.milestones[later];
                other.quantity.is_some() && other.system == rule.system && all[later].reached == Reached::Full
            });
        let unwanted = rule.when.is_some() && !setting.pod_required;
        let passed = rule.optional && position < furthest;
        let milestone = &mut all[position];
        if milestone.reached == Reached::No
            && (unwanted || passed || setting.cancelled || overtaken || spared[position])
        {
            milestone.reached = Reached::Skipped;
        }
        // One of several alternatives is not waited for by itself: their group is.
        milestone.optional |= unwanted || is_alternative(definition, position);
    }
    (all, wakes_at)
}

fn is_alternative(definition: &Definition, position: usize) -> bool {
    definition.milestones.iter().any(|m| matches!(&m.group, Some(Group::Any(members)) if members.contains(&position)))
}

fn of_group(rule: &MilestoneRule, group: &Group, all: &[Milestone]) -> Milestone {
    let (Group::Any(members) | Group::All(members)) = group;
    let members: Vec<&Milestone> = members.iter().map(|m| &all[*m]).collect();
    let full = members.iter().filter(|m| m.reached == Reached::Full);
    let decisive = match group {
        // The first of them that was complete, and the last.
        Group::Any(_) => full.clone().filter(|m| m.at.is_some()).min_by_key(|m| m.at),
        Group::All(_) => full.clone().filter(|m| m.at.is_some()).max_by_key(|m| m.at),
    };
    let begun = members.iter().any(|m| m.reached != Reached::No);
    let done = match group {
        Group::Any(_) => decisive.is_some(),
        Group::All(_) => full.clone().count() == members.len(),
    };
    let share = match group {
        _ if done => Decimal::ONE,
        Group::Any(_) => members.iter().map(|m| m.share).max().unwrap_or_default(),
        Group::All(_) => members.iter().map(|m| m.share).sum::<Decimal>() / Decimal::from(members.len().max(1)),
    };
    let reached = match (done, begun) {
        (true, _) => Reached::Full,
        (false, true) => Reached::Part,
        (false, false) => Reached::No,
    };
    let first = members.iter().filter(|m| m.at.is_some()).min_by_key(|m| m.at);
    let shown = if done { decisive } else { first };
    let mut events: Vec<EventKey> = members.iter().flat_map(|m| m.events.iter().cloned()).collect();
    events.sort();
    events.dedup();
    Milestone {
        key: rule.key.clone(),
        title: rule.title.clone(),
        system: rule.system.clone(),
        optional: rule.optional,
        reached,
        share: share.round_dp(4).normalize(),
        at: shown.and_then(|m| m.at),
        received_at: shown.and_then(|m| m.received_at),
        by: shown.and_then(|m| m.by.clone()),
        expected_at: None,
        events,
    }
}

fn one(setting: &Setting, rule: &MilestoneRule, wakes_at: &mut Option<DateTime<Utc>>) -> Milestone {
    let Setting { definition, tree, lines, as_of, .. } = *setting;
    let parts: Vec<(Decimal, Vec<&Fact>)> = match &rule.per {
        Per::Root => Vec::new(),
        Per::Object(kind) => {
            let units = tree.of_kind(kind).filter(|u| !u.withdrawn());
            let facts = |unit| tree.branch(definition, unit).flat_map(|n| n.facts.iter());
            units.map(|unit| (lines.weight(unit), hits(rule, facts(unit), as_of, wakes_at))).collect()
        }
        Per::Line => {
            let wanted = lines.iter().filter(|l| l.target() > Decimal::ZERO);
            wanted
                .map(|line| {
                    let facts = tree.facts().filter(|f| concerns(f, &line.line, tree.root()));
                    (line.target(), hits(rule, facts, as_of, wakes_at))
                })
                .collect()
        }
    };
    let mut found: Vec<&Fact> = match parts.is_empty() {
        true => hits(rule, tree.facts(), as_of, wakes_at),
        false => parts.iter().flat_map(|(_, hits)| hits.iter().copied()).collect(),
    };
    found.sort_by(|a, b| a.order().cmp(&b.order()));
    found.dedup_by_key(|f| f.order());

    let (share, complete) = match rule.roll_up {
        Some(RollUp::Any) => (share_of(!found.is_empty()), found.first().copied()),
        _ if parts.is_empty() => {
            let times = usize::try_from(rule.times).unwrap_or(usize::MAX);
            (Decimal::from(found.len().min(times)) / Decimal::from(rule.times), found.get(times - 1).copied())
        }
        roll_up => rolled_up(rule, lines, &parts, roll_up),
    };
    // Quantities decide once something was reported at all; what lines cannot tell, the objects do.
    let share = match rule.quantity.and_then(|q| by_lines(rule, lines, q)) {
        Some(by_lines) if !found.is_empty() && !lines.is_empty() => by_lines,
        _ => share,
    };
    let reached = match share {
        _ if found.is_empty() => Reached::No,
        s if s >= Decimal::ONE => Reached::Full,
        _ => Reached::Part,
    };
    let decisive = match reached {
        Reached::Full if rule.quantity.is_some() && rule.roll_up != Some(RollUp::Any) => found.last().copied(),
        Reached::Full => complete,
        _ => found.first().copied(),
    };
    Milestone {
        key: rule.key.clone(),
        title: rule.title.clone(),
        system: rule.system.clone(),
        optional: rule.optional,
        reached,
        share: share.round_dp(4).normalize(),
        at: decisive.map(|f| f.occurred_at),
        received_at: decisive.map(|f| f.received_at),
        by: decisive.map(|f| f.system.to_string()),
        expected_at: None,
        events: found.iter().map(|f| EventKey { source: f.source.to_string(), id: f.id.to_string() }).collect(),
    }
}

/// The facts that reach a milestone. While a preferred event is missing, another counts only after it was waited for.
fn hits<'f>(
    rule: &MilestoneRule,
    facts: impl Iterator<Item = &'f Fact>,
    as_of: DateTime<Utc>,
    wakes_at: &mut Option<DateTime<Utc>>,
) -> Vec<&'f Fact> {
    let mut found: Vec<&Fact> = facts.filter(|f| rule.events.iter().any(|e| is(e, f))).collect();
    let Some(Prefer { event, wait }) = &rule.prefer else { return found };
    if found.iter().any(|f| is(event, f)) {
        found.retain(|f| is(event, f));
        return found;
    }
    let counts_from = |f: &Fact| f.occurred_at.checked_add_signed(*wait).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let waits = found.iter().map(|f| counts_from(f)).filter(|at| *at > as_of);
    *wakes_at = waits.chain(*wakes_at).min();
    found.retain(|f| counts_from(f) <= as_of);
    found
}

fn is(event: &EventMatch, fact: &Fact) -> bool {
    event.matches(fact)
}

/// Whether a fact is about an order line: it names it, or no lines at all.
fn concerns(fact: &Fact, line: &str, root: &Node) -> bool {
    let Some(said) = &fact.detail.lines else { return true };
    let ours = |order: Option<&str>| order.is_none_or(|order| order == root.object.id);
    said.iter().any(|l| l.line.as_deref() == Some(line) && ours(l.order.as_deref()))
}

/// The share of the parts that have it, and the fact that made the last of them complete.
fn rolled_up<'f>(
    rule: &MilestoneRule,
    lines: &Lines,
    parts: &[(Decimal, Vec<&'f Fact>)],
    roll_up: Option<RollUp>,
) -> (Decimal, Option<&'f Fact>) {
    let having = || parts.iter().filter(|(_, hits)| !hits.is_empty());
    let first = |hits: &[&'f Fact]| hits.iter().min_by_key(|f| f.order()).copied();
    let complete = having().filter_map(|(_, hits)| first(hits)).max_by_key(|f| f.order());
    let weight: Decimal = parts.iter().map(|(weight, _)| *weight).sum();
    let whole = if rule.per == Per::Line { weight } else { weight.max(lines.target()) };
    let weighted = match roll_up {
        Some(RollUp::Weighted) => true,
        // Shipments by what they carry, so that half of an order is half, whatever the number of parcels.
        None => matches!(&rule.per, Per::Object(kind) if kind == "shipment"),
        Some(RollUp::All | RollUp::Any) => false,
    };
    let share = if weighted && weight > Decimal::ZERO && whole > Decimal::ZERO {
        having().map(|(weight, _)| *weight).sum::<Decimal>() / whole
    } else {
        Decimal::from(having().count()) / Decimal::from(parts.len())
    };
    (share, complete)
}

/// The share by line quantities; None when nothing is wanted.
fn by_lines(rule: &MilestoneRule, lines: &Lines, quantity: super::definition::Quantity) -> Option<Decimal> {
    let wanted = || lines.iter().filter(|l| l.target() > Decimal::ZERO);
    match rule.roll_up {
        None | Some(RollUp::Weighted) => lines.share(quantity),
        Some(RollUp::Any) => wanted().next().map(|_| share_of(wanted().any(|l| l.quantity(quantity) > Decimal::ZERO))),
        Some(RollUp::All) => {
            let all = wanted().count();
            let done = wanted().filter(|l| l.quantity(quantity) >= l.target()).count();
            (all > 0).then(|| Decimal::from(done) / Decimal::from(all))
        }
    }
}

fn share_of(all: bool) -> Decimal {
    if all { Decimal::ONE } else { Decimal::ZERO }
}

/// When a milestone was fully reached.
pub fn full_at(milestone: &Milestone) -> Option<DateTime<Utc>> {
    if milestone.reached == Reached::Full { milestone.at } else { None }
}

#[cfg(test)]
#[path = "milestones_tests.rs"]
mod tests;
