//! Clocks that warn or have run out. An episode ends with the event that reached the milestone.

use super::raise_for;
use crate::domain::tree::Node;
use crate::domain::{Cured, Exception, Milestone, Sla, Verdict};

pub fn clocks(root: &Node, milestones: &[Milestone], slas: &[Sla], found: &mut Vec<Exception>) {
    for sla in slas {
        let started = milestones.iter().find(|m| m.key == sla.from).and_then(|m| m.received_at);
        let end = end(sla, milestones);
        let detail = || format!("{}: due {}", sla.title, sla.due_at.format("%Y-%m-%d %H:%M UTC"));
        let mut raise = |kind: &str, since, cured: Option<Cured>| {
            let raised = raise_for(found, &sla.policy, kind, &root.object, detail(), since, &sla.system, false);
            raised.known_at = started.map_or(since, |received| since.max(received));
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
            Verdict::Met => {
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
            _ => {}
        }
    }
}

fn end(sla: &Sla, milestones: &[Milestone]) -> Option<Cured> {
    let to = milestones.iter().find(|m| m.key == sla.to)?;
    let at = sla.ended_at?;
    let known_at = to.received_at.unwrap_or(at).max(at);
    Some(Cured { at, known_at, event: to.events.last().cloned(), kind: format!("{} reached", to.title.to_lowercase()) })
}
