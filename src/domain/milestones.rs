//! Which milestones are reached, by whom and when, by the definition's roll-up.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::definition::{Definition, MilestoneRule};
use super::fact::Fact;
use super::lines::Lines;
use super::tree::{Node, Tree};
use super::{EventKey, Milestone, Reached};

pub fn milestones(
    definition: &Definition,
    tree: &Tree,
    lines: &Lines,
    pod_required: bool,
    cancelled: bool,
) -> Vec<Milestone> {
    let mut all: Vec<Milestone> = definition.milestones.iter().map(|rule| one(definition, tree, lines, rule)).collect();
    let furthest = all.iter().rposition(|m| m.reached != Reached::No).unwrap_or(0);
    for position in 0..all.len() {
        let rule = &definition.milestones[position];
        // What a system has fully shipped it has picked, whether it said so or not.
        let overtaken = rule.quantity.is_some()
            && (position + 1..all.len()).any(|later| {
                let other = &definition.milestones[later];
                other.quantity.is_some() && other.system == rule.system && all[later].reached == Reached::Full
            });
        let unwanted = rule.when.is_some() && !pod_required;
        let passed = rule.optional && position < furthest;
        let milestone = &mut all[position];
        if milestone.reached == Reached::No && (unwanted || passed || cancelled || overtaken) {
            milestone.reached = Reached::Skipped;
        }
        milestone.optional |= unwanted;
    }
    all
}

fn one(definition: &Definition, tree: &Tree, lines: &Lines, rule: &MilestoneRule) -> Milestone {
    let units: Vec<&Node> = if rule.per == definition.root {
        Vec::new()
    } else {
        tree.of_kind(&rule.per).filter(|u| !u.withdrawn()).collect()
    };
    let mut hits: Vec<&Fact> = Vec::new();
    let mut complete: Option<&Fact> = None;
    let share = if units.is_empty() {
        hits.extend(tree.facts().filter(|f| matches(rule, f)));
        complete = hits.iter().min_by_key(|f| f.order()).copied();
        if hits.is_empty() { Decimal::ZERO } else { Decimal::ONE }
    } else {
        let mut weights = (Decimal::ZERO, Decimal::ZERO);
        let mut count = (0_u32, 0_u32);
        for unit in &units {
            let found: Vec<&Fact> =
                tree.branch(definition, unit).flat_map(|n| n.facts.iter()).filter(|f| matches(rule, f)).collect();
            let weight = lines.weight(unit);
            count.1 += 1;
            weights.1 += weight;
            if !found.is_empty() {
                count.0 += 1;
                weights.0 += weight;
            }
            // Complete when the last of the units got there.
            let first = found.iter().min_by_key(|f| f.order()).copied();
            complete = [complete, first].into_iter().flatten().max_by_key(|f| f.order());
            hits.extend(found);
        }
        let whole = weights.1.max(lines.target());
        let by_weight = rule.per == "shipment" && weights.1 > Decimal::ZERO && whole > Decimal::ZERO;
        if by_weight { weights.0 / whole } else { Decimal::from(count.0) / Decimal::from(count.1) }
    };
    hits.sort_by(|a, b| a.order().cmp(&b.order()));
    hits.dedup_by_key(|f| f.order());

    // Quantities decide once something was reported at all; what lines cannot tell, the objects do.
    let share = match rule.quantity.and_then(|q| lines.share(q)) {
        Some(by_lines) if !hits.is_empty() && !lines.is_empty() => by_lines,
        _ => share,
    };
    let reached = match share {
        _ if hits.is_empty() => Reached::No,
        s if s >= Decimal::ONE => Reached::Full,
        _ => Reached::Part,
    };
    let decisive = match reached {
        Reached::Full if rule.quantity.is_some() => hits.last().copied(),
        Reached::Full => complete,
        _ => hits.first().copied(),
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
        events: hits.iter().map(|f| EventKey { source: f.source.to_string(), id: f.id.to_string() }).collect(),
    }
}

fn matches(rule: &MilestoneRule, fact: &Fact) -> bool {
    rule.events.iter().any(|e| {
        e.kind == *fact.kind && e.verdict.as_ref().is_none_or(|v| fact.detail.verdict.as_deref() == Some(v.as_str()))
    })
}

/// When a milestone was fully reached.
pub fn full_at(milestone: &Milestone) -> Option<DateTime<Utc>> {
    if milestone.reached == Reached::Full { milestone.at } else { None }
}
