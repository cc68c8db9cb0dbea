//! Clocks that warn or have run out. An episode ends with the event that reached the milestone.

use chrono::{DateTime, Utc};

use super::raise_for;
use crate::domain::{Cured, Exception, Sla, Verdict};

pub fn clocks(slas: &[Sla], found: &mut Vec<Exception>) {
    for sla in slas {
        let end = sla.end.clone();
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

/// It will run out, if it goes on as it went for others.
pub fn foreseen(sla: &Sla, as_of: DateTime<Utc>) -> Exception {
    let mut found = Vec::new();
    let sample = sla.forecast.as_ref().map_or(0, |forecast| forecast.sample);
    let due = sla.due_at.format("%Y-%m-%d %H:%M UTC");
    let detail = format!("{}: due {due}, and by the history of {sample} alike it will be late", sla.title);
    let since = sla.known_at.max(sla.started_at).min(as_of);
    raise_for(&mut found, &sla.policy, "sla_at_risk", &sla.object, detail, since, &sla.system, false);
    found.remove(0)
}
