//! Credit holds.

use super::{because, raise};
use crate::domain::Exception;
use crate::domain::fact::Fact;
use crate::domain::tree::Node;

pub fn credit_hold(root: &Node, found: &mut Vec<Exception>) {
    let mut held: Option<&Fact> = None;
    for fact in root.facts.iter() {
        match (&*fact.kind, fact.detail.verdict.as_deref(), held) {
            ("order.credit_checked", Some("held"), None) => held = Some(fact),
            ("order.credit_checked", Some("approved"), Some(hold))
            | ("order.credit_released" | "order.cancelled", _, Some(hold)) => {
                on_hold(root, hold, Some(fact), found);
                held = None;
            }
            _ => {}
        }
    }
    if let Some(hold) = held {
        on_hold(root, hold, None, found);
    }
}

fn on_hold(root: &Node, hold: &Fact, end: Option<&Fact>, found: &mut Vec<Exception>) {
    let detail = format!("On credit hold{}", because(hold));
    raise(found, "credit_hold", &root.object, detail, hold.occurred_at, "erp", true).known_by(hold).cured_by(end);
}
