//! Clocks that warn or have run out.

use super::raise_for;
use crate::domain::tree::Node;
use crate::domain::{Exception, Sla, Verdict};

pub fn clocks(root: &Node, slas: &[Sla], found: &mut Vec<Exception>) {
    for sla in slas {
        let (kind, since) = match sla.verdict {
            Verdict::Breached => ("sla_breached", sla.due_at),
            Verdict::AtRisk => ("sla_at_risk", sla.warn_at),
            _ => continue,
        };
        let detail = format!("{}: due {}", sla.title, sla.due_at.format("%Y-%m-%d %H:%M UTC"));
        raise_for(found, &sla.policy, kind, &root.object, detail, since, &sla.system, false);
    }
}
