//! From derived values to the flat rows that lists are made of.

use std::hash::{Hash, Hasher};

use milepost_ingest::ObjectRef;
use rustc_hash::FxHasher;

use crate::domain::{Definition, Graph, Money, Standing, Workflow, next_milestone, systems_of_record};
use crate::store::rows::{ObjectRow, WorkflowRow};

/// The snapshot of an object that has said something; None for one that was only named by others.
pub fn object_row(
    tenant: &str,
    graph: &Graph,
    object: &ObjectRef,
    standing: &Standing,
    version: u64,
) -> Option<ObjectRow> {
    let known = graph.get(object)?;
    let (facts, acts) = known.told();
    // Of what was only acted on, the acts are all there is to tell.
    let facts = if facts.is_empty() && !acts.is_empty() { acts.into() } else { facts };
    let all = known.facts();
    let first = facts.first().or_else(|| all.first())?;
    let last = facts.last().unwrap_or(first);
    let record = systems_of_record(&object.kind);
    let by_record = record.iter().find_map(|s| facts.iter().rev().find(|f| &*f.system == *s));
    let (held, waits_for, workflows) = match standing {
        Standing::Joined(roots) => (false, String::new(), roots.iter().map(ToString::to_string).collect()),
        Standing::Alone => (false, String::new(), Vec::new()),
        Standing::SetAside(how, _) => (false, (*how).to_owned(), Vec::new()),
        Standing::Held(waits_for) => (true, waits_for.clone(), Vec::new()),
    };
    let held_since = all.iter().map(|f| f.received_at.timestamp_millis()).min().unwrap_or(0);
    Some(ObjectRow {
        tenant: tenant.to_owned(),
        object_type: object.kind.clone(),
        object_id: object.id.clone(),
        state: by_record.unwrap_or(last).verb().to_owned(),
        events: u32::try_from(all.len()).unwrap_or(u32::MAX),
        first_ms: first.occurred_at.timestamp_millis(),
        last_ms: last.occurred_at.timestamp_millis(),
        last_type: last.kind.to_string(),
        last_source: last.source.to_string(),
        last_system: last.system.to_string(),
        held,
        held_since_ms: match standing {
            Standing::Held(_) => held_since,
            Standing::SetAside(_, at) => at.timestamp_millis(),
            _ => 0,
        },
        waits_for,
        links: known.links().iter().map(ToString::to_string).collect(),
        workflows,
        same_as: String::new(),
        aliases: known.aliases(),
        version,
    })
}

/// The snapshots of the other names of an object: each leads to the one that it is shown under.
pub fn alias_rows(row: &ObjectRow, graph: &Graph, object: &ObjectRef) -> Vec<ObjectRow> {
    let shown = object.to_string();
    let names = graph.get(object).map(|known| known.names()).unwrap_or_default();
    let alias = |name: ObjectRef| ObjectRow {
        object_type: name.kind,
        object_id: name.id,
        held: false,
        held_since_ms: 0,
        waits_for: String::new(),
        links: vec![shown.clone()],
        same_as: shown.clone(),
        aliases: Vec::new(),
        ..row.clone()
    };
    names.into_iter().filter(|name| name != object).map(alias).collect()
}

/// The snapshot of what began as a workflow of its own, until it turned out to be the same object as another.
pub fn merged_row(tenant: &str, definition: &Definition, name: &ObjectRef, row: &ObjectRow) -> WorkflowRow {
    WorkflowRow {
        tenant: tenant.to_owned(),
        definition: definition.key.clone(),
        definition_version: definition.version,
        root_type: name.kind.clone(),
        root_id: name.id.clone(),
        status: "merged".to_owned(),
        stage_count: u8::try_from(definition.milestones.len()).unwrap_or(u8::MAX),
        created_ms: row.first_ms,
        updated_ms: row.last_ms,
        closed: true,
        last_type: row.last_type.clone(),
        last_system: row.last_system.clone(),
        last_ms: row.last_ms,
        blocked_what: format!("Merged into {}", row.same_as),
        members: vec![row.same_as.clone()],
        version: row.version,
        ..WorkflowRow::default()
    }
}

pub fn workflow_row(tenant: &str, workflow: &Workflow, version: u64) -> WorkflowRow {
    let next = if workflow.closed_at.is_some() { None } else { next_milestone(&workflow.milestones) };
    let stage = workflow.milestones.iter().find(|m| m.key == workflow.stage);
    let clock = workflow.slas.iter().filter(|s| s.is_open()).min_by_key(|s| s.due_at);
    let mut exceptions: Vec<String> = workflow.exceptions.iter().map(|e| e.kind.clone()).collect();
    exceptions.sort();
    exceptions.dedup();
    let blocked = workflow.blocked_by.as_ref();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    WorkflowRow {
        tenant: tenant.to_owned(),
        definition: workflow.definition.clone(),
        definition_version: workflow.definition_version,
        root_type: workflow.root.kind.clone(),
        root_id: workflow.root.id.clone(),
        status: workflow.status.as_str().to_owned(),
        stage: workflow.stage.clone(),
        stage_title: stage.map_or_else(String::new, |m| m.title.clone()),
        stage_number: u8::try_from(workflow.stage_number).unwrap_or(u8::MAX),
        stage_count: u8::try_from(workflow.milestones.len()).unwrap_or(u8::MAX),
        next: next.map_or_else(String::new, |m| m.key.clone()),
        next_title: next.map_or_else(String::new, |m| m.title.clone()),
        waiting_for: blocked.map_or_else(String::new, |b| b.who.clone()),
        customer: text(&workflow.customer),
        amount: workflow.amount.as_ref().and_then(scaled),
        currency: workflow.amount.as_ref().map_or_else(String::new, |m| m.currency.clone()),
        priority: text(&workflow.priority),
        warehouse: text(&workflow.warehouse),
        carrier: text(&workflow.carrier),
        created_ms: workflow.created_at.timestamp_millis(),
        updated_ms: workflow.last_event.received_at.timestamp_millis(),
        closed: workflow.closed_at.is_some(),
        last_type: workflow.last_event.kind.clone(),
        last_system: workflow.last_event.system.clone(),
        last_ms: workflow.last_event.occurred_at.timestamp_millis(),
        due_ms: clock.map(|s| s.due_at.timestamp_millis()),
        warn_ms: clock.map(|s| s.warn_at.timestamp_millis()),
        sla: clock.map_or_else(String::new, |s| s.policy.clone()),
        blocked_code: blocked.map_or_else(String::new, |b| b.code.clone()),
        blocked_what: blocked.map_or_else(String::new, |b| b.what.clone()),
        exceptions,
        readiness: workflow.readiness.state.as_str().to_owned(),
        members: members(workflow),
        wakes_ms: None,
        mark: 0,
        version,
    }
}

/// Of all that the row of a workflow says, but for when it is said, and of its path.
pub fn mark_of(row: &WorkflowRow, path_mark: u64) -> u64 {
    let WorkflowRow { definition, definition_version, status, stage, stage_title, stage_number, stage_count, .. } = row;
    let WorkflowRow { next, next_title, waiting_for, customer, amount, currency, priority, warehouse, carrier, .. } =
        row;
    let WorkflowRow { created_ms, updated_ms, closed, last_type, last_system, last_ms, due_ms, warn_ms, sla, .. } = row;
    let WorkflowRow { blocked_code, blocked_what, exceptions, readiness, members, wakes_ms, .. } = row;
    let mut hasher = FxHasher::default();
    (definition, definition_version, status, stage, stage_title, stage_number, stage_count).hash(&mut hasher);
    (next, next_title, waiting_for, customer, amount, currency, priority, warehouse, carrier).hash(&mut hasher);
    (created_ms, updated_ms, closed, last_type, last_system, last_ms, due_ms, warn_ms, sla).hash(&mut hasher);
    (blocked_code, blocked_what, exceptions, readiness, members, wakes_ms, path_mark).hash(&mut hasher);
    hasher.finish() | 1
}

/// Everything that must be read to derive the workflow again.
fn members(workflow: &Workflow) -> Vec<String> {
    let items = workflow.items.iter().map(|sku| ObjectRef::new("item", sku).to_string());
    workflow.stored.iter().map(ToString::to_string).chain(items).collect()
}

/// Money as the store keeps it: an integer of millionths. None when it has more decimals than that.
pub fn scaled(money: &Money) -> Option<i128> {
    let (mantissa, scale) = (money.value.mantissa(), money.value.scale());
    match scale.checked_sub(6) {
        None | Some(0) => mantissa.checked_mul(10_i128.pow(6 - scale)),
        Some(beyond) => {
            let cut = 10_i128.checked_pow(beyond)?;
            (mantissa % cut == 0).then_some(mantissa / cut)
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn money_is_kept_exactly_or_not_at_all() {
        let of = |value: &str| scaled(&Money { value: value.parse().unwrap(), currency: "EUR".into() });
        for (value, millionths) in [
            ("0", Some(0)),
            ("12.5", Some(12_500_000)),
            ("-0.000001", Some(-1)),
            ("1.0000000", Some(1_000_000)),
            ("0.0000001", None),
            ("-3.1234567", None),
            ("79228162514264337593543950335", Some(79_228_162_514_264_337_593_543_950_335_000_000)),
        ] {
            assert_eq!(of(value), millionths, "{value}");
        }
    }
}
