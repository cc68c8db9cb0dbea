//! Words of systems that have no say in it: kept, shown, and without effect where the system of record has spoken.

use super::raise_for;
use crate::domain::fact::Fact;
use crate::domain::tree::{Node, authority};
use crate::domain::{Exception, Money};

pub fn unauthorised(node: &Node, found: &mut Vec<Exception>) {
    for fact in &node.overruled {
        let record = authority(&node.object.kind, "").join(" or ").to_uppercase();
        let detail = format!(
            "{}: {} by {}, which counts only from the {record}",
            node.object.id,
            fact.verb().replace('_', " "),
            fact.source
        );
        let cause = format!("{} {}", fact.kind, fact.system);
        raise_for(found, &cause, "unauthorised_source", &node.object, detail, fact.occurred_at, &fact.system, false)
            .known_by(fact);
    }
    // What others say about papers of it is not about its own fields.
    let own = |f: &&Fact| f.kind.strip_prefix(&*node.object.kind).is_some_and(|rest| rest.starts_with('.'));
    let said: Vec<&Fact> = node.facts.iter().filter(own).collect();
    if said.iter().all(|f| f.system == said[0].system) {
        return;
    }
    for (field, read) in FIELDS {
        let record = authority(&node.object.kind, field);
        let last = |by_record: bool| {
            let of = |f: &&&Fact| record.contains(&&*f.system) == by_record;
            said.iter().rev().filter(of).find_map(|f| Some((*f, read(f)?)))
        };
        let Some((fact, other)) = last(false) else { continue };
        let Some((_, right)) = last(true) else { continue };
        if right == other {
            continue;
        }
        let detail = format!("{}: {field} is {right}; {} says {other}", node.object.id, fact.source);
        let cause = format!("{field} {}", fact.system);
        raise_for(found, &cause, "unauthorised_source", &node.object, detail, fact.occurred_at, &fact.system, false)
            .known_by(fact);
    }
}

type Read = fn(&Fact) -> Option<String>;

/// Fields that one system decides.
const FIELDS: [(&str, Read); 8] = [
    ("customer", |f| f.detail.head.as_ref()?.customer.as_deref().map(str::to_owned)),
    ("amount", |f| f.detail.amount.as_ref().map(Money::to_string)),
    ("promised_ship", |f| f.detail.head.as_ref()?.promised_ship.map(|t| t.to_rfc3339())),
    ("promised_delivery", |f| f.detail.head.as_ref()?.promised_delivery.map(|t| t.to_rfc3339())),
    ("priority", |f| f.detail.head.as_ref()?.priority.as_deref().map(str::to_owned)),
    ("billing_policy", |f| f.detail.head.as_ref()?.billing_policy.as_deref().map(str::to_owned)),
    ("pod_required", |f| f.detail.head.as_ref()?.pod_required.map(|yes| yes.to_string())),
    ("warehouse", |f| f.detail.warehouse.as_deref().map(str::to_owned)),
];
