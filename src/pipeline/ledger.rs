//! What the store has of readiness and reconciliation, so that a row is written only when it says something else, and
//! ends when there is nothing to say any more.

use std::hash::{DefaultHasher, Hash, Hasher};

use milepost_ingest::ObjectRef;
use rust_decimal::Decimal;
use rustc_hash::FxHashMap;

use super::snapshot::scaled;
use crate::domain::{Billable, Discrepancy, Money, Workflow};
use crate::store::rows::{ReadinessRow, ReconciliationRow};

/// By workflow the names of its rows, with a hash of what each says. A name of readiness is `type/id`, one of
/// reconciliation `kind`, `type/id` and line on lines of their own.
#[derive(Default)]
pub struct Ledger(FxHashMap<ObjectRef, Vec<(String, u64)>>);

impl Ledger {
    pub fn recall(&mut self, root: ObjectRef, name: String, mark: u64) {
        let known = self.0.entry(root).or_default();
        known.retain(|(other, _)| *other != name);
        known.push((name, mark));
    }

    pub fn forget(&mut self, root: &ObjectRef) {
        self.0.remove(root);
    }

    /// Rows that are new, other or at an end.
    pub fn settle(
        &mut self,
        tenant: &str,
        workflow: &Workflow,
        version: u64,
    ) -> (Vec<ReadinessRow>, Vec<ReconciliationRow>) {
        let (mut readiness, mut reconciliation) = (Vec::new(), Vec::new());
        let known = self.0.remove(&workflow.root).unwrap_or_default();
        let mut now: Vec<(String, u64)> = Vec::new();
        let is_new = |name: &str, mark: u64| !known.iter().any(|(n, m)| n == name && *m == mark);
        for unit in &workflow.readiness.units {
            let row = readiness_row(tenant, workflow, unit, version);
            let name = unit.object.to_string();
            if is_new(&name, row.mark) {
                readiness.push(row.clone());
            }
            now.push((name, row.mark));
        }
        for discrepancy in &workflow.discrepancies {
            let row = reconciliation_row(tenant, workflow, discrepancy, version);
            let name = format!("{}\n{}\n{}", row.kind, discrepancy.object, row.line);
            // Two of one kind on one line are one row: the first.
            if now.iter().any(|(n, _)| *n == name) {
                continue;
            }
            if is_new(&name, row.mark) {
                reconciliation.push(row.clone());
            }
            now.push((name, row.mark));
        }
        for (name, _) in known.iter().filter(|(name, _)| !now.iter().any(|(n, _)| n == name)) {
            let parts: Vec<&str> = name.split('\n').collect();
            let (root_type, root_id) = (workflow.root.kind.clone(), workflow.root.id.clone());
            let (tenant, state) = (tenant.to_owned(), "gone".to_owned());
            match parts[..] {
                [kind, object, line] => {
                    let Some(ObjectRef { kind: object_type, id: object_id }) = ObjectRef::parse(object) else {
                        continue;
                    };
                    let (kind, line) = (kind.to_owned(), line.to_owned());
                    let gone = ReconciliationRow {
                        tenant,
                        root_type,
                        root_id,
                        kind,
                        object_type,
                        object_id,
                        line,
                        state,
                        version,
                        ..ReconciliationRow::default()
                    };
                    reconciliation.push(gone);
                }
                _ => {
                    let Some(ObjectRef { kind: object_type, id: object_id }) = ObjectRef::parse(name) else { continue };
                    let gone = ReadinessRow {
                        tenant,
                        root_type,
                        root_id,
                        object_type,
                        object_id,
                        state,
                        version,
                        ..ReadinessRow::default()
                    };
                    readiness.push(gone);
                }
            }
        }
        if !now.is_empty() {
            self.0.insert(workflow.root.clone(), now);
        }
        (readiness, reconciliation)
    }
}

fn readiness_row(tenant: &str, workflow: &Workflow, unit: &Billable, version: u64) -> ReadinessRow {
    let millis = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| at.timestamp_millis());
    let money = |of: &Option<Money>| of.as_ref().and_then(scaled);
    let any = unit.amount.as_ref().or(unit.value.as_ref()).or(unit.billed.as_ref());
    let mut reasons: Vec<String> = unit.reasons.iter().map(|r| r.code.clone()).collect();
    reasons.dedup();
    let mut row = ReadinessRow {
        tenant: tenant.to_owned(),
        root_type: workflow.root.kind.clone(),
        root_id: workflow.root.id.clone(),
        object_type: unit.object.kind.clone(),
        object_id: unit.object.id.clone(),
        is_rest: unit.is_rest,
        state: unit.state.as_str().to_owned(),
        reasons,
        why: serde_json::to_string(&unit.reasons).unwrap_or_default(),
        system: unit.system.clone(),
        next_step: unit.next_step.clone(),
        customer: workflow.customer.clone().unwrap_or_default(),
        carrier: unit.carrier.clone().unwrap_or_default(),
        warehouse: unit.warehouse.clone().unwrap_or_default(),
        amount: money(&unit.amount),
        currency: any.map_or_else(String::new, |m| m.currency.clone()),
        billed: money(&unit.billed),
        remaining: money(&unit.remaining),
        since_ms: millis(unit.since),
        delivered_ms: millis(unit.delivered_at),
        proof_ms: millis(unit.proof_at),
        invoiced_ms: millis(unit.invoiced_at),
        mark: 0,
        version,
    };
    let mut hasher = DefaultHasher::new();
    (&row.state, &row.why, &row.system, &row.next_step, &row.customer, &row.carrier, &row.warehouse).hash(&mut hasher);
    (row.is_rest, row.amount, &row.currency, row.billed, row.remaining).hash(&mut hasher);
    (row.since_ms, row.delivered_ms, row.proof_ms, row.invoiced_ms).hash(&mut hasher);
    row.mark = hasher.finish();
    row
}

fn reconciliation_row(tenant: &str, workflow: &Workflow, found: &Discrepancy, version: u64) -> ReconciliationRow {
    let figure = |of: Option<Decimal>| of.map_or_else(String::new, |d| d.normalize().to_string());
    let carrier = workflow.carrier.clone().unwrap_or_default();
    let mut row = ReconciliationRow {
        tenant: tenant.to_owned(),
        root_type: workflow.root.kind.clone(),
        root_id: workflow.root.id.clone(),
        kind: found.kind.clone(),
        object_type: found.object.kind.clone(),
        object_id: found.object.id.clone(),
        line: found.line.clone(),
        state: if found.matched { "matched" } else { "open" }.to_owned(),
        detail: found.detail.clone(),
        expected: figure(found.expected),
        found: figure(found.found),
        unit: found.unit.clone(),
        value: found.value.as_ref().and_then(scaled),
        currency: found.value.as_ref().map_or_else(String::new, |m| m.currency.clone()),
        figures: found
            .figures
            .iter()
            .map(|(name, m)| format!("{name} {} {}", m.value.normalize(), m.currency))
            .collect(),
        since_ms: found.since.timestamp_millis(),
        system: found.system.clone(),
        customer: workflow.customer.clone().unwrap_or_default(),
        carrier,
        evidence: serde_json::to_string(&found.evidence).unwrap_or_default(),
        mark: 0,
        version,
    };
    let mut hasher = DefaultHasher::new();
    (&row.state, &row.detail, &row.expected, &row.found, &row.unit, row.value, &row.currency).hash(&mut hasher);
    (&row.figures, row.since_ms, &row.system, &row.customer, &row.carrier, &row.evidence).hash(&mut hasher);
    row.mark = hasher.finish();
    row
}
