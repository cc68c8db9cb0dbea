//! Readiness and reconciliation as files: their columns and rows.

use std::collections::BTreeMap;

use crate::pages::export::{Asked, Cell, Column, Fault, Kind, Record, Sums, Table, column};
use crate::pages::words;
use crate::store::rows::{ReadinessRow, ReconciliationRow};
use crate::store::{ReadinessFilter, ReconciliationFilter, Sum};

use super::{compared, filter, kind, reason, state_word};

const READINESS: [Column; 18] = [
    column("state", "State", Kind::Text),
    column("type", "Type", Kind::Text),
    column("id", "What is billed", Kind::Text),
    column("order", "Order", Kind::Text),
    column("customer", "Customer", Kind::Text),
    column("carrier", "Carrier", Kind::Text),
    column("warehouse", "Warehouse", Kind::Text),
    column("amount", "Amount", Kind::Amount),
    column("currency", "Currency", Kind::Text),
    column("billed", "Billed", Kind::Amount),
    column("remaining", "Remains to bill", Kind::Amount),
    column("since", "Since", Kind::Time),
    column("delivered_at", "Delivered", Kind::Time),
    column("proof_at", "Proof of delivery", Kind::Time),
    column("invoiced_at", "Invoiced", Kind::Time),
    column("reasons", "Reasons", Kind::Text),
    column("waits_for", "Owner system", Kind::Text),
    column("next_step", "Next step", Kind::Text),
];

/// What is asked for, and as of when.
fn chosen(asked: &Asked) -> Result<ReadinessFilter, Fault> {
    let (filter, complaints) = filter(&asked.query, as_of(asked)?, asked.clock.now_ms);
    complaints.into_iter().next().map_or(Ok(filter), |complaint| Err(Fault::Bad(complaint)))
}

fn as_of(asked: &Asked) -> Result<Option<i64>, Fault> {
    Ok(asked.query.time("as_of").map_err(Fault::Bad)?.map(|at| at.timestamp_millis()))
}

/// Known amounts only; the rest counts as rows.
fn told<'s>(sums: impl Iterator<Item = &'s Sum> + Clone) -> Sums {
    let mut totals: BTreeMap<String, i128> = BTreeMap::new();
    for sum in sums.clone() {
        *totals.entry(sum.currency.clone()).or_default() += sum.total;
    }
    Sums::told(sums.map(|s| s.count).sum(), totals)
}

pub async fn readiness(asked: Asked) -> Result<Table, Fault> {
    let filter = chosen(&asked)?;
    Ok(Table::new(&READINESS, asked.store.readiness_rows(&asked.tenant, &filter), readiness_record))
}

pub async fn readiness_sums(asked: Asked) -> Result<Sums, Fault> {
    let sums = asked.store.readiness_sums(&asked.tenant, &chosen(&asked)?).await?;
    Ok(told(sums.iter().filter(|s| s.name == "all")))
}

fn readiness_record(row: ReadinessRow) -> Record {
    let reasons: Vec<String> = row.reasons.iter().map(|code| reason(code)).collect();
    vec![
        state_word(&row.state).into(),
        words::title(&row.object_type).into(),
        row.object_id.into(),
        row.root_id.into(),
        row.customer.into(),
        row.carrier.into(),
        row.warehouse.into(),
        Cell::amount(row.amount),
        row.currency.into(),
        Cell::amount(row.billed),
        Cell::amount(row.remaining),
        Cell::time(row.since_ms),
        Cell::time(row.delivered_ms),
        Cell::time(row.proof_ms),
        Cell::time(row.invoiced_ms),
        reasons.join("; ").into(),
        row.system.into(),
        row.next_step.into(),
    ]
}

const COMPARED: [Column; 16] = [
    column("kind", "Kind", Kind::Text),
    column("state", "State", Kind::Text),
    column("type", "Type", Kind::Text),
    column("id", "Object", Kind::Text),
    column("workflow", "Belongs to", Kind::Text),
    column("line", "Line", Kind::Text),
    column("detail", "What differs", Kind::Text),
    column("expected", "Expected", Kind::Number),
    column("found", "Found", Kind::Number),
    column("unit", "Unit", Kind::Text),
    column("value", "Value", Kind::Amount),
    column("value_currency", "Currency of the value", Kind::Text),
    column("since", "Since", Kind::Time),
    column("waits_for", "Owner system", Kind::Text),
    column("customer", "Customer", Kind::Text),
    column("carrier", "Carrier", Kind::Text),
];

fn chosen_compared(asked: &Asked) -> Result<ReconciliationFilter, Fault> {
    let (filter, complaints) = compared(&asked.query, as_of(asked)?);
    complaints.into_iter().next().map_or(Ok(filter), |complaint| Err(Fault::Bad(complaint)))
}

pub async fn reconciliation(asked: Asked) -> Result<Table, Fault> {
    let filter = chosen_compared(&asked)?;
    let table = Table::new(&COMPARED, asked.store.reconciliation_rows(&asked.tenant, &filter), reconciliation_record);
    Ok(table.of_differences("value", "value_currency"))
}

pub async fn reconciliation_sums(asked: Asked) -> Result<Sums, Fault> {
    let sums = asked.store.reconciliation_sums(&asked.tenant, &chosen_compared(&asked)?).await?;
    Ok(told(sums.iter()))
}

fn reconciliation_record(row: ReconciliationRow) -> Record {
    let figure = |text: &str| text.parse().map_or(Cell::Empty, Cell::Number);
    vec![
        kind(&row.kind).into(),
        row.state.into(),
        words::title(&row.object_type).into(),
        row.object_id.into(),
        row.root_id.into(),
        row.line.into(),
        row.detail.into(),
        figure(&row.expected),
        figure(&row.found),
        row.unit.into(),
        Cell::amount(row.value),
        row.currency.into(),
        Cell::time(Some(row.since_ms)),
        row.system.into(),
        row.customer.into(),
        row.carrier.into(),
    ]
}
