//! Clocks as files.

use super::breaches::{cause, filter, known};
use crate::domain::Verdict;
use crate::pages::export::{Asked, Cell, Column, Fault, Kind, MAX_ROWS, Record, Sums, Table, column};
use crate::pages::{status, words};
use crate::store::SlaFilter;
use crate::store::rows::SlaRow;

const CLOCK: [Column; 27] = [
    column("verdict", "Verdict", Kind::Text),
    column("type", "Type", Kind::Text),
    column("id", "Key", Kind::Text),
    column("object_type", "Runs for, type", Kind::Text),
    column("object_id", "Runs for", Kind::Text),
    column("process", "Process", Kind::Text),
    column("policy", "Policy", Kind::Text),
    column("title", "Promise", Kind::Text),
    column("why", "Case", Kind::Text),
    column("customer", "Customer", Kind::Text),
    column("warehouse", "Warehouse", Kind::Text),
    column("carrier", "Carrier", Kind::Text),
    column("priority", "Priority", Kind::Text),
    column("amount", "Amount", Kind::Amount),
    column("currency", "Currency", Kind::Text),
    column("calendar", "Calendar", Kind::Text),
    column("started_at", "Begun", Kind::Time),
    column("warn_at", "Warns", Kind::Time),
    column("due_at", "Due", Kind::Time),
    column("ended_at", "Ended", Kind::Time),
    column("detected_at", "Seen", Kind::Time),
    column("waits_for", "Whose turn", Kind::Text),
    column("cause", "Cause", Kind::Text),
    column("known", "First known", Kind::Text),
    column("waived_by", "Waived by", Kind::Text),
    column("waived_reason", "Why waived", Kind::Text),
    column("path", "Page", Kind::Text),
];

fn chosen(asked: &Asked) -> Result<SlaFilter, Fault> {
    let (filter, complaints) = filter(&asked.query);
    complaints.into_iter().next().map_or(Ok(filter), |complaint| Err(Fault::Bad(complaint)))
}

pub async fn clocks(asked: Asked) -> Result<Table, Fault> {
    let filter = chosen(&asked)?;
    let rows = asked.store.sla_rows(&asked.tenant, &filter, MAX_ROWS + 1);
    let clock = asked.clock.clone();
    Ok(Table::new(&CLOCK, rows, move |row: SlaRow| {
        let said = known(&clock, &row);
        record(row, said)
    }))
}

pub async fn sums(asked: Asked) -> Result<Sums, Fault> {
    let filter = chosen(&asked)?;
    let sums = asked.store.sla_sums(&asked.tenant, &filter).await?;
    let rows = sums.iter().map(|sum| sum.count).sum();
    Ok(Sums::told(rows, sums.into_iter().map(|sum| (sum.currency, sum.total))))
}

fn record(row: SlaRow, said: String) -> Record {
    let titled = |key: &str| if key.is_empty() { Cell::Empty } else { words::title(key).into() };
    let verdict = Verdict::ALL.into_iter().find(|v| v.as_str() == row.verdict).unwrap_or(Verdict::Open);
    vec![
        status::verdict(verdict).word.into(),
        titled(&row.root_type),
        row.root_id.clone().into(),
        titled(&row.object_type),
        row.object_id.into(),
        titled(&row.definition),
        row.policy.into(),
        row.title.into(),
        row.why.into(),
        row.customer.into(),
        row.warehouse.into(),
        row.carrier.into(),
        titled(&row.priority),
        Cell::amount(row.amount),
        row.currency.into(),
        row.calendar.into(),
        Cell::Time(row.started_ms),
        Cell::Time(row.warn_ms),
        Cell::Time(row.due_ms),
        Cell::time(row.ended_ms),
        Cell::time(row.detected_ms),
        if row.system.is_empty() { Cell::Empty } else { words::system(&row.system).into() },
        cause(&row.cause).into(),
        said.into(),
        row.waived_by.trim_start_matches("person/").into(),
        row.waived_reason.into(),
        words::workflow_path(&row.tenant, &row.root_type, &row.root_id).into(),
    ]
}
