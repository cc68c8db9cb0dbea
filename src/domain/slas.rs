//! SLAs of one workflow as of a moment: when each clock started, when it warns, when it is due, how it ended.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::definition::{Definition, Limit, SlaRule};
use super::milestones::full_at;
use super::tree::Node;
use super::{Milestone, Reached, Sla, Verdict};

pub fn slas(
    definition: &Definition,
    root: &Node,
    milestones: &[Milestone],
    cancelled: bool,
    as_of: DateTime<Utc>,
) -> Vec<Sla> {
    definition.slas.iter().filter_map(|rule| one(rule, root, milestones, cancelled, as_of)).collect()
}

fn one(rule: &SlaRule, root: &Node, milestones: &[Milestone], cancelled: bool, as_of: DateTime<Utc>) -> Option<Sla> {
    let to = &milestones[rule.to];
    let started_at = full_at(&milestones[rule.from])?;
    let due_at = match &rule.limit {
        Limit::Within(time) => started_at.checked_add_signed(*time)?,
        Limit::Promise(field) => root.latest(|f| match field.as_str() {
            "promised_ship" => f.detail.head.as_ref()?.promised_ship,
            _ => f.detail.head.as_ref()?.promised_delivery,
        })?,
    };
    let pause = paused(rule, root, started_at, as_of);
    let warn_at = started_at + share_of(due_at - started_at, rule.warn) + pause;
    let due_at = due_at + pause;
    let ended_at = full_at(to);
    let verdict = match ended_at {
        Some(at) if at <= due_at => Verdict::Met,
        Some(_) => Verdict::MetLate,
        None if cancelled || to.reached == Reached::Skipped => Verdict::Cancelled,
        None if as_of > due_at => Verdict::Breached,
        None if as_of >= warn_at => Verdict::AtRisk,
        None => Verdict::Open,
    };
    Some(Sla {
        policy: rule.key.clone(),
        title: rule.title.clone(),
        from: milestones[rule.from].key.clone(),
        to: to.key.clone(),
        started_at,
        warn_at: warn_at.min(due_at),
        due_at,
        ended_at,
        verdict,
        system: to.system.clone(),
    })
}

impl Sla {
    pub fn is_open(&self) -> bool {
        matches!(self.verdict, Verdict::Open | Verdict::AtRisk | Verdict::Breached)
    }
}

fn share_of(time: TimeDelta, share: Decimal) -> TimeDelta {
    let millis = Decimal::from(time.num_milliseconds()) * share;
    millis.to_i64().and_then(TimeDelta::try_milliseconds).unwrap_or(time)
}

/// How long the clock stood still between its start and now.
fn paused(rule: &SlaRule, root: &Node, started_at: DateTime<Utc>, as_of: DateTime<Utc>) -> TimeDelta {
    if !rule.pauses.iter().any(|p| p == "credit_hold") {
        return TimeDelta::zero();
    }
    let holds = credit_holds(root).into_iter();
    holds.fold(TimeDelta::zero(), |sum, (from, to)| {
        let from = from.max(started_at);
        let to = to.unwrap_or(as_of.max(from)).max(from);
        sum + (to - from)
    })
}

/// Every credit hold of an order with its end; the last may be open.
pub fn credit_holds(root: &Node) -> Vec<(DateTime<Utc>, Option<DateTime<Utc>>)> {
    let mut holds: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)> = Vec::new();
    for fact in root.facts.iter() {
        let verdict = fact.detail.verdict.as_deref();
        let open = holds.last().is_some_and(|(_, end)| end.is_none());
        match (&*fact.kind, verdict) {
            ("order.credit_checked", Some("held")) if !open => holds.push((fact.occurred_at, None)),
            ("order.credit_released", _) | ("order.credit_checked", Some("approved")) | ("order.cancelled", _) => {
                if let Some(hold) = holds.last_mut().filter(|(_, end)| end.is_none()) {
                    hold.1 = Some(fact.occurred_at);
                }
            }
            _ => {}
        }
    }
    holds
}
