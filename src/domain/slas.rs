//! SLAs of one workflow as of a moment: which policy applies and why, when each clock started, warns and is due, what
//! stopped it, and how it ended, as is known now and as was known first.

mod known;
#[cfg(test)]
mod law;
mod policy;
mod propagation;
mod reckon;
mod silence;
mod stops;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::calendar::Allowance;
use super::definition::Definition;
use super::exceptions::exception_id;
use super::milestones::full_at;
use super::tree::{Node, Tree};
use super::{Cured, Milestone, Reached, Sla, Verdict, Waiver};
pub use policy::{By, CalendarChoice, Limit, Narrowing, Pause, SlaKind, SlaRule, Subject, Traits, Warn, chosen, why};
pub use reckon::{Reckoning, Stop, spoken};

/// What clocks are judged by.
pub struct View<'a> {
    pub definition: &'a Definition,
    pub tree: &'a Tree<'a>,
    pub milestones: &'a [Milestone],
    pub cancelled: bool,
    pub traits: &'a Traits,
}

/// What a clock of a policy is about, before any arithmetic.
struct Run {
    object: ObjectRef,
    started_at: DateTime<Utc>,
    /// When the start became known here.
    known_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    end: Option<Cured>,
    /// It will not end: cancelled, or passed over.
    dropped: bool,
    /// Earlier stretches of the same clock that were too long (silence).
    breaches: u32,
    from: String,
    to: String,
    system: String,
}

/// Every clock of the workflow, in the order of the policies.
pub fn slas(view: &View<'_>, as_of: DateTime<Utc>) -> Vec<Sla> {
    let rules = &view.definition.slas;
    let mut slas = Vec::new();
    for rule in chosen(rules, view.traits) {
        for mut sla in judge(rule, view, as_of) {
            sla.why = why(rules, rule, view.traits);
            sla.first_known = known::first_known(rule, &sla, view, as_of);
            if sla.verdict == Verdict::Met && sla.first_known == Some(Verdict::Breached) {
                sla.verdict = Verdict::Withdrawn;
            }
            waive(&mut sla, view);
            slas.push(sla);
        }
    }
    slas
}

/// The clocks of one policy by what is in the view.
fn judge(rule: &SlaRule, view: &View<'_>, as_of: DateTime<Utc>) -> Vec<Sla> {
    match &rule.subject {
        Subject::Milestones { from, to } => {
            between(view, *from, *to).and_then(|run| clock(rule, view, run, as_of)).into_iter().collect()
        }
        Subject::Propagation { events, of, known_to } => {
            let runs = propagation::runs(view, events, of.as_deref(), known_to);
            runs.into_iter().filter_map(|run| clock(rule, view, run, as_of)).collect()
        }
        Subject::Silence { from, to, systems } => silence::clocks(rule, view, (*from, *to), systems, as_of),
    }
}

fn between(view: &View<'_>, from: usize, to: usize) -> Option<Run> {
    let (from, to) = (&view.milestones[from], &view.milestones[to]);
    Some(Run {
        object: view.tree.root().object.clone(),
        started_at: full_at(from)?,
        known_at: from.received_at?,
        ended_at: full_at(to),
        end: full_at(to).map(|at| Cured {
            at,
            known_at: to.received_at.unwrap_or(at).max(at),
            event: to.events.last().cloned(),
            kind: format!("{} reached", to.title.to_lowercase()),
        }),
        dropped: view.cancelled || to.reached == Reached::Skipped,
        breaches: 0,
        from: from.key.clone(),
        to: to.key.clone(),
        system: to.system.clone(),
    })
}

/// The arithmetic and the verdict. None when the clock has no due time.
fn clock(rule: &SlaRule, view: &View<'_>, run: Run, as_of: DateTime<Utc>) -> Option<Sla> {
    let calendar = rule.calendar.of(view.traits);
    let (plain_due, words) = match &rule.limit {
        Limit::Within(allowance) => (calendar.due(run.started_at, allowance)?, said(allowance)),
        Limit::Promise(field) => {
            let due = view.tree.root().latest(|f| match field.as_str() {
                "promised_ship" => f.detail.head.as_ref()?.promised_ship,
                _ => f.detail.head.as_ref()?.promised_delivery,
            })?;
            (due, format!("until {}", calendar.said(due)))
        }
    };
    let until = run.ended_at.map_or(as_of, |at| at.min(as_of));
    let stops = stops::stops(rule, view.tree);
    let reckoning = Reckoning::new(calendar, run.started_at, plain_due, stops, words, until)?;
    let due_at = reckoning.due;
    let warn = match rule.warn {
        Warn::Share(share) => share_of(reckoning.allowed, share),
        Warn::Left(left) => (reckoning.allowed - left).max(TimeDelta::zero()),
    };
    let warn_at = reckoning.reach(warn, until).map_or(due_at, |(at, _)| at).min(due_at);
    let verdict = match run.ended_at {
        Some(at) if at <= due_at && run.breaches == 0 => Verdict::Met,
        Some(_) => Verdict::MetLate,
        None if run.dropped => Verdict::Cancelled,
        None if as_of > due_at => Verdict::Breached,
        None if as_of >= warn_at => Verdict::AtRisk,
        None => Verdict::Open,
    };
    let breaches = run.breaches + u32::from(run.ended_at.map_or(verdict == Verdict::Breached, |at| at > due_at));
    Some(Sla {
        policy: rule.policy.clone(),
        case: rule.key.clone(),
        title: rule.title.clone(),
        kind: rule.kind,
        why: String::new(),
        object: run.object,
        from: run.from,
        to: run.to,
        started_at: run.started_at,
        known_at: run.known_at,
        warn_at,
        due_at,
        ended_at: run.ended_at,
        verdict,
        first_known: None,
        breaches,
        system: run.system,
        standing_since: if run.ended_at.is_none() { reckoning.standing } else { None },
        waiver: None,
        forecast: None,
        end: run.end,
        arithmetic: reckoning,
    })
}

/// A person's word that a clock need not be kept. What was met anyhow stays met.
fn waive(sla: &mut Sla, view: &View<'_>) {
    if matches!(sla.verdict, Verdict::Met | Verdict::Withdrawn | Verdict::Cancelled) {
        return;
    }
    let acts = || view.tree.nodes.iter().flat_map(|node| node.acts.iter());
    if acts().next().is_none() {
        return;
    }
    let exceptions = ["sla_breached", "sla_at_risk"].map(|kind| exception_id(kind, &sla.object, &sla.policy));
    let text = |act: &super::Fact, name: &str| {
        act.detail.act.as_ref().and_then(|data| data.get(name)?.as_str().map(str::to_owned))
    };
    let names = |act: &&super::Fact| match &*act.kind {
        "sla.waived" => {
            text(act, "policy").as_deref() == Some(&sla.policy)
                && text(act, "object").is_none_or(|object| object == sla.object.to_string())
        }
        "exception.waived" => text(act, "exception").is_some_and(|id| exceptions.contains(&id)),
        _ => false,
    };
    if let Some(act) = acts().filter(names).max_by_key(|act| act.order()) {
        sla.waiver = Some(Waiver {
            at: act.occurred_at,
            by: act.source.to_string(),
            reason: text(act, "reason").unwrap_or_default(),
        });
        sla.verdict = Verdict::Waived;
    }
}

impl Sla {
    pub fn is_open(&self) -> bool {
        matches!(self.verdict, Verdict::Open | Verdict::AtRisk | Verdict::Breached)
    }

    /// Open, and its time runs.
    pub fn runs(&self) -> bool {
        self.is_open() && self.standing_since.is_none()
    }

    /// When time alone changes its verdict next.
    pub fn wakes(&self) -> [Option<DateTime<Utc>>; 2] {
        if self.runs() { [Some(self.warn_at), Some(self.due_at + TimeDelta::milliseconds(1))] } else { [None, None] }
    }
}

impl Traits {
    pub fn of(tree: &Tree<'_>) -> Self {
        let head = tree.root();
        let warehouse = tree.of_kind("shipment").find_map(|s| s.latest(|f| f.detail.warehouse.clone()));
        let riders = || tree.of_kind("load").chain(tree.of_kind("shipment"));
        let own = |node: &Node<'_>| node.latest(|f| f.detail.lane.clone());
        Self {
            customer: head.latest(|f| f.detail.head.as_ref()?.customer.clone()).map(String::from),
            priority: head.latest(|f| f.detail.head.as_ref()?.priority.clone()).map(String::from),
            warehouse: warehouse.or_else(|| head.latest(|f| f.detail.warehouse.clone())).map(String::from),
            carrier: riders().find_map(|n| n.latest(|f| f.detail.carrier.clone())).map(String::from),
            lane: own(head).or_else(|| riders().find_map(own)).map(String::from),
            amount: head.amount(),
        }
    }
}

/// `4 h`, `1 working day`, `2 working days by 17:00`.
pub fn said(allowance: &Allowance) -> String {
    let mut parts = Vec::new();
    match allowance.working_days {
        0 if allowance.by.is_some() && allowance.time.is_zero() => parts.push("the same working day".to_owned()),
        0 => {}
        1 => parts.push("1 working day".to_owned()),
        n => parts.push(format!("{n} working days")),
    }
    if !allowance.time.is_zero() {
        parts.push(spoken(allowance.time));
    }
    let mut text = parts.join(" ");
    if let Some(by) = allowance.by {
        text += &format!(" by {:02}:{:02}", by.hour(), by.minute());
    }
    text
}

impl SlaRule {
    /// The time in words: `4 h`, `until the promised ship date`.
    pub fn limit_said(&self) -> String {
        match &self.limit {
            Limit::Within(allowance) => said(allowance),
            Limit::Promise(field) if field == "promised_ship" => "until the promised ship date".to_owned(),
            Limit::Promise(_) => "until the promised delivery date".to_owned(),
        }
    }

    /// When it warns: `after 75 %`, `with 1 h left`.
    pub fn warn_said(&self) -> String {
        match self.warn {
            Warn::Share(share) => format!("after {} %", (share * Decimal::ONE_HUNDRED).normalize()),
            Warn::Left(left) => format!("with {} left", spoken(left)),
        }
    }
}

fn share_of(time: TimeDelta, share: Decimal) -> TimeDelta {
    let millis = Decimal::from(time.num_milliseconds()) * share;
    millis.to_i64().and_then(TimeDelta::try_milliseconds).unwrap_or(time)
}
