//! When states stopped the clock: each from the event that began it to the one that ended it.

use chrono::{DateTime, Utc};

use super::{Pause, SlaRule, Stop};
use crate::domain::Fact;
use crate::domain::definition::EventMatch;
use crate::domain::tree::Tree;

impl Pause {
    /// Known without being written: the credit department holds an order.
    pub fn credit_hold() -> Self {
        let event = |kind: &str, verdict: Option<&str>| EventMatch {
            kind: kind.to_owned(),
            verdict: verdict.map(str::to_owned),
        };
        Self {
            key: "credit_hold".to_owned(),
            title: "credit hold".to_owned(),
            from: vec![event("order.credit_checked", Some("held"))],
            until: vec![
                event("order.credit_released", None),
                event("order.credit_checked", Some("approved")),
                event("order.cancelled", None),
            ],
        }
    }
}

pub fn stops(rule: &SlaRule, tree: &Tree<'_>) -> Vec<Stop> {
    let mut all = Vec::new();
    for pause in &rule.pauses {
        for node in &tree.nodes {
            let found = stretches(pause, node.facts.iter());
            all.extend(found.into_iter().map(|(from, to)| Stop { from, to, reason: pause.title.clone() }));
        }
    }
    all
}

fn stretches<'f>(pause: &Pause, facts: impl Iterator<Item = &'f Fact>) -> Vec<(DateTime<Utc>, Option<DateTime<Utc>>)> {
    let mut found: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)> = Vec::new();
    for fact in facts {
        let any = |events: &[EventMatch]| events.iter().any(|e| e.matches(fact));
        let open = found.last().is_some_and(|(_, end)| end.is_none());
        if open && any(&pause.until) {
            if let Some(last) = found.last_mut() {
                last.1 = Some(fact.occurred_at);
            }
        } else if !open && any(&pause.from) {
            found.push((fact.occurred_at, None));
        }
    }
    found
}
