//! Clocks that warn or have run out. An episode ends with the event that reached the milestone.

use super::raise_for;
use crate::domain::{Cured, Exception, Milestone, Sla, Verdict};

pub fn clocks(milestones: &[Milestone], slas: &[Sla], found: &mut Vec<Exception>) {
    for sla in slas {
        let end = end(sla, milestones);
        let detail = || format!("{}: due {}", sla.title, sla.due_at.format("%Y-%m-%d %H:%M UTC"));
        let mut raise = |kind: &str, since, cured: Option<Cured>| {
            let raised = raise_for(found, &sla.policy, kind, &sla.object, detail(), since, &sla.system, false);
            raised.known_at = since.max(sla.known_at);
            raised.cured = cured;
        };
        let ran_out = || Cured { at: sla.due_at, known_at: sla.due_at, event: None, kind: "sla_breached".to_owned() };
        // A warning at the moment of the breach is none.
        let warned = sla.warn_at < sla.due_at;
        match sla.verdict {
            Verdict::AtRisk => raise("sla_at_risk", sla.warn_at, None),
            Verdict::Breached => {
                raise("sla_breached", sla.due_at, None);
                if warned {
                    raise("sla_at_risk", sla.warn_at, Some(ran_out()));
                }
            }
            Verdict::MetLate => {
                raise("sla_breached", sla.due_at, end);
                if warned {
                    raise("sla_at_risk", sla.warn_at, Some(ran_out()));
                }
            }
            // Known late, it looked at risk, or even breached, until the event came.
            Verdict::Met | Verdict::Withdrawn => {
                let Some(end) = end else { continue };
                if end.known_at > sla.due_at {
                    let kind = "withdrawn".to_owned();
                    raise("sla_breached", sla.due_at, Some(Cured { kind, ..end.clone() }));
                }
                if warned && end.known_at > sla.warn_at {
                    let end = if end.known_at > sla.due_at { ran_out() } else { end };
                    raise("sla_at_risk", sla.warn_at, Some(end));
                }
            }
            // It stays as it was, in the state that the act put it in.
            Verdict::Waived if sla.breaches > 0 => raise("sla_breached", sla.due_at, end),
            Verdict::Waived => raise("sla_at_risk", sla.warn_at, None),
            Verdict::Open | Verdict::Cancelled => {}
        }
    }
}

fn end(sla: &Sla, milestones: &[Milestone]) -> Option<Cured> {
    let at = sla.ended_at?;
    let Some(to) = milestones.iter().find(|m| m.key == sla.to) else {
        // News that reached a system: it spoke.
        return Some(Cured { at, known_at: at, event: None, kind: format!("known to {}", sla.to) });
    };
    let known_at = to.received_at.unwrap_or(at).max(at);
    Some(Cured { at, known_at, event: to.events.last().cloned(), kind: format!("{} reached", to.title.to_lowercase()) })
}
