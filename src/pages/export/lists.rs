//! The lists that can be taken along. A new list adds itself here, and has its files, saved views and mails.

use super::{Asked, Cell, Column, Fault, Kind, List, MAX_ROWS, Past, Record, Sums, Table, column};
use crate::pages::desk::FAILURES_BACK_MS;
use crate::pages::params::Query;
use crate::pages::readiness::{self, export as finance};
use crate::pages::slas::{breaches, export as clocks};
use crate::pages::{exceptions, failures, mask, status, words, workflow_filter, workflows};
use crate::store::rows::{ExceptionRow, FailureRow, ObjectRow, WorkflowRow};
use crate::store::{FailureFilter, Freezable, Muting};

pub const LISTS: &[List] = &[
    List {
        key: "workflows",
        page: "workflows",
        title: "Workflows",
        known: &[
            "status",
            "definition",
            "system",
            "stage",
            "exception",
            "readiness",
            "customer",
            "warehouse",
            "carrier",
            "closed",
            "q",
            "from",
            "to",
            "sort",
            "as_of",
        ],
        words: workflows::filter_words,
        open: |asked| Box::pin(open_workflows(asked)),
        count: |asked| Box::pin(count_workflows(asked)),
        sums: |asked| Box::pin(sum_workflows(asked)),
        total: "Total",
        past: Past::Frozen(Freezable::Workflows),
    },
    List {
        key: "readiness",
        page: "readiness",
        title: "Invoice readiness",
        known: &readiness::FILTERS,
        words: readiness::filter_words,
        open: |asked| Box::pin(finance::readiness(asked)),
        count: |asked| Box::pin(async { Ok(finance::readiness_sums(asked).await?.rows) }),
        sums: |asked| Box::pin(finance::readiness_sums(asked)),
        total: "Total",
        past: Past::Kept,
    },
    List {
        key: "reconciliation",
        page: "reconciliation",
        title: "Reconciliation",
        known: &readiness::FILTERS_COMPARED,
        words: plain_words,
        open: |asked| Box::pin(finance::reconciliation(asked)),
        count: |asked| Box::pin(async { Ok(finance::reconciliation_sums(asked).await?.rows) }),
        sums: |asked| Box::pin(finance::reconciliation_sums(asked)),
        total: "Too much and too little added",
        past: Past::Kept,
    },
    List {
        key: "held",
        page: "held",
        title: "Held",
        known: &[],
        words: plain_words,
        open: |asked| Box::pin(open_held(asked)),
        count: |asked| Box::pin(count_held(asked)),
        sums: |asked| Box::pin(async { Ok(Sums::told(count_held(asked).await?, [])) }),
        total: "Total",
        past: Past::None,
    },
    List {
        key: "exceptions",
        page: "exceptions",
        title: "Exceptions",
        known: &[
            "state",
            "kind",
            "severity",
            "owner",
            "team",
            "system",
            "customer",
            "warehouse",
            "carrier",
            "reason",
            "muted",
            "q",
            "from",
            "sort",
            "as_of",
        ],
        words: plain_words,
        open: |asked| Box::pin(open_exceptions(asked)),
        count: |asked| Box::pin(async { Ok(sum_exceptions(asked).await?.rows) }),
        sums: |asked| Box::pin(sum_exceptions(asked)),
        total: "Total",
        past: Past::Frozen(Freezable::Exceptions),
    },
    List {
        key: "breaches",
        page: "slas/breaches",
        title: "SLA clocks",
        known: &[
            "state",
            "policy",
            "definition",
            "kind",
            "system",
            "customer",
            "warehouse",
            "carrier",
            "cause",
            "q",
            "from",
            "to",
            "as_of",
        ],
        words: breaches::filter_words,
        open: |asked| Box::pin(clocks::clocks(asked)),
        count: |asked| Box::pin(async { Ok(clocks::sums(asked).await?.rows) }),
        sums: |asked| Box::pin(clocks::sums(asked)),
        total: "Total",
        past: Past::Frozen(Freezable::Slas),
    },
    List {
        key: "failures",
        page: "failures",
        title: "Failures",
        known: &["q", "source", "stage", "code", "type", "from", "to", "as_of"],
        words: plain_words,
        open: |asked| Box::pin(open_failures(asked)),
        count: |asked| Box::pin(count_failures(asked)),
        sums: |asked| Box::pin(async { Ok(Sums::told(count_failures(asked).await?, [])) }),
        total: "Total",
        past: Past::Kept,
    },
];

pub fn list(key: &str) -> Option<&'static List> {
    LISTS.iter().find(|list| list.key == key)
}

/// Each parameter with its value; the order of rows is no filter.
pub fn plain_words(query: &Query) -> Vec<String> {
    let pairs = query.pairs().filter(|(name, _)| !["sort", "as_of"].contains(name));
    pairs.map(|(name, value)| format!("{}: {value}", words::title(name))).collect()
}

fn complained(complaints: Vec<String>) -> Result<(), Fault> {
    complaints.into_iter().next().map_or(Ok(()), |complaint| Err(Fault::Bad(complaint)))
}

const WORKFLOW: [Column; 28] = [
    column("status", "Status", Kind::Text),
    column("type", "Type", Kind::Text),
    column("id", "Key", Kind::Text),
    column("process", "Process", Kind::Text),
    column("customer", "Customer", Kind::Text),
    column("stage", "Stage", Kind::Text),
    column("stage_number", "Stage number", Kind::Number),
    column("stages", "Stages", Kind::Number),
    column("next", "Next", Kind::Text),
    column("waiting_for", "Waits for", Kind::Text),
    column("due", "Due", Kind::Time),
    column("sla", "SLA", Kind::Text),
    column("amount", "Amount", Kind::Amount),
    column("currency", "Currency", Kind::Text),
    column("invoice", "Invoice", Kind::Text),
    column("blocked_by", "Blocked by", Kind::Text),
    column("blocked_why", "Why", Kind::Text),
    column("exceptions", "Exceptions", Kind::Text),
    column("priority", "Priority", Kind::Text),
    column("warehouse", "Warehouse", Kind::Text),
    column("carrier", "Carrier", Kind::Text),
    column("last_event", "Last event", Kind::Text),
    column("last_system", "Last system", Kind::Text),
    column("last_at", "Last event at", Kind::Time),
    column("created_at", "Begun", Kind::Time),
    column("updated_at", "Changed", Kind::Time),
    column("closed", "Closed", Kind::Text),
    column("path", "Page", Kind::Text),
];

async fn open_workflows(asked: Asked) -> Result<Table, Fault> {
    let (filter, complaints) = workflow_filter(&asked.query);
    complained(complaints)?;
    let rows = asked.store.workflow_rows(&asked.tenant, &filter, MAX_ROWS + 1);
    Ok(Table::new(&WORKFLOW, rows, workflow))
}

async fn count_workflows(asked: Asked) -> Result<u64, Fault> {
    let (filter, complaints) = workflow_filter(&asked.query);
    complained(complaints)?;
    Ok(asked.store.workflow_count(&asked.tenant, &filter).await?)
}

async fn sum_workflows(asked: Asked) -> Result<Sums, Fault> {
    let (filter, complaints) = workflow_filter(&asked.query);
    complained(complaints)?;
    let (rows, totals) = tokio::try_join!(
        asked.store.workflow_count(&asked.tenant, &filter),
        asked.store.workflow_totals(&asked.tenant, &filter)
    )?;
    Ok(Sums::told(rows, totals.into_iter().map(|sum| (sum.currency, sum.total))))
}

fn workflow(row: WorkflowRow) -> Record {
    let exceptions: Vec<String> = row.exceptions.iter().map(|kind| words::title(kind)).collect();
    let titled = |key: &str| if key.is_empty() { Cell::Empty } else { words::title(key).into() };
    let system = |key: &str| if key.is_empty() { Cell::Empty } else { words::system(key).into() };
    vec![
        status::workflow(&row.status).word.into(),
        titled(&row.root_type),
        row.root_id.clone().into(),
        titled(&row.definition),
        row.customer.into(),
        row.stage_title.into(),
        u64::from(row.stage_number).into(),
        u64::from(row.stage_count).into(),
        row.next_title.into(),
        system(&row.waiting_for),
        Cell::time(row.due_ms),
        titled(&row.sla),
        Cell::amount(row.amount),
        row.currency.into(),
        if row.readiness.is_empty() { Cell::Empty } else { status::readiness(&row.readiness).word.into() },
        titled(&row.blocked_code),
        row.blocked_what.into(),
        exceptions.join("; ").into(),
        titled(&row.priority),
        row.warehouse.into(),
        row.carrier.into(),
        words::event_title(&row.last_type).into(),
        system(&row.last_system),
        Cell::Time(row.last_ms),
        Cell::Time(row.created_ms),
        Cell::Time(row.updated_ms),
        (if row.closed { "yes" } else { "no" }).into(),
        words::workflow_path(&row.tenant, &row.root_type, &row.root_id).into(),
    ]
}

const HELD: [Column; 11] = [
    column("type", "Type", Kind::Text),
    column("id", "Object", Kind::Text),
    column("state", "State", Kind::Text),
    column("waits_for", "Waits for", Kind::Text),
    column("held_since", "Held since", Kind::Time),
    column("events", "Events", Kind::Number),
    column("last_event", "Last event", Kind::Text),
    column("last_system", "System", Kind::Text),
    column("last_source", "Source", Kind::Text),
    column("last_at", "Last event at", Kind::Time),
    column("path", "Page", Kind::Text),
];

async fn open_held(asked: Asked) -> Result<Table, Fault> {
    Ok(Table::new(&HELD, asked.store.held_rows(&asked.tenant, MAX_ROWS + 1), held))
}

async fn count_held(asked: Asked) -> Result<u64, Fault> {
    Ok(asked.store.held_groups(&asked.tenant).await?.iter().map(|group| group.objects).sum())
}

fn held(row: ObjectRow) -> Record {
    vec![
        words::title(&row.object_type).into(),
        row.object_id.clone().into(),
        words::title(&row.state).into(),
        row.waits_for.into(),
        Cell::Time(row.held_since_ms),
        u64::from(row.events).into(),
        words::event_title(&row.last_type).into(),
        words::system(&row.last_system).into(),
        row.last_source.into(),
        Cell::Time(row.last_ms),
        words::object_path(&row.tenant, &row.object_type, &row.object_id).into(),
    ]
}

const EXCEPTION: [Column; 25] = [
    column("state", "State", Kind::Text),
    column("kind", "Exception", Kind::Text),
    column("severity", "Severity", Kind::Text),
    column("root", "Key", Kind::Text),
    column("object_type", "Type", Kind::Text),
    column("object_id", "Object", Kind::Text),
    column("detail", "What", Kind::Text),
    column("system", "Whose turn", Kind::Text),
    column("owner", "Owner", Kind::Text),
    column("team", "Team", Kind::Text),
    column("since", "Since", Kind::Time),
    column("acknowledge_by", "Acknowledge by", Kind::Time),
    column("resolve_by", "Resolve by", Kind::Time),
    column("closed_at", "Closed", Kind::Time),
    column("closed_by", "Closed by", Kind::Text),
    column("occurrence", "Occurrence", Kind::Number),
    column("reason", "Reason", Kind::Text),
    column("comments", "Comments", Kind::Number),
    column("customer", "Customer", Kind::Text),
    column("warehouse", "Warehouse", Kind::Text),
    column("carrier", "Carrier", Kind::Text),
    column("orders", "Orders", Kind::Number),
    column("amount", "At stake", Kind::Amount),
    column("currency", "Currency", Kind::Text),
    column("id", "Id", Kind::Text),
];

/// Which sources were silent at an earlier moment is not kept: then nothing is explained away.
async fn muting(asked: &Asked) -> Result<Muting, Fault> {
    if asked.query.get("as_of").is_some() {
        return Ok(Muting::default());
    }
    Ok(asked.store.muting(&asked.tenant).await?)
}

async fn open_exceptions(asked: Asked) -> Result<Table, Fault> {
    let (filter, complaints) = exceptions::filter(&asked.query);
    complained(complaints)?;
    let muting = muting(&asked).await?;
    let definitions = asked.shelf.of(&asked.tenant);
    let rows = asked.store.exception_rows(&asked.tenant, &filter, &muting, MAX_ROWS + 1);
    let title = move |kind: &str| exceptions::title(&definitions.exceptions, kind);
    Ok(Table::new(&EXCEPTION, rows, move |row: ExceptionRow| exception(&title(&row.kind), row)))
}

async fn sum_exceptions(asked: Asked) -> Result<Sums, Fault> {
    let (filter, complaints) = exceptions::filter(&asked.query);
    complained(complaints)?;
    let muting = muting(&asked).await?;
    let sums = asked.store.exception_sums(&asked.tenant, &filter, &muting).await?;
    let rows = sums.iter().map(|sum| sum.count).sum();
    Ok(Sums::told(rows, sums.into_iter().map(|sum| (sum.currency, sum.amount))))
}

fn exception(title: &str, row: ExceptionRow) -> Record {
    let titled = |key: &str| if key.is_empty() { Cell::Empty } else { words::title(key).into() };
    vec![
        titled(&row.state),
        title.into(),
        titled(&row.severity),
        row.root_id.into(),
        titled(&row.object_type),
        row.object_id.into(),
        row.detail.into(),
        if row.system.is_empty() { Cell::Empty } else { words::system(&row.system).into() },
        row.owner.into(),
        titled(&row.team),
        Cell::Time(row.since_ms),
        Cell::time(row.acknowledge_by_ms),
        Cell::time(row.resolve_by_ms),
        Cell::time(row.closed_ms),
        titled(&row.closed_kind),
        u64::from(row.occurrence).into(),
        titled(&row.reason),
        u64::from(row.comments).into(),
        row.customer.into(),
        row.warehouse.into(),
        row.carrier.into(),
        u64::from(row.orders).into(),
        Cell::amount(row.amount),
        row.currency.into(),
        row.id.into(),
    ]
}

const FAILURE: [Column; 14] = [
    column("received_at", "Received", Kind::Time),
    column("what", "What", Kind::Text),
    column("stage", "Where", Kind::Text),
    column("code", "Code", Kind::Text),
    column("pointer", "Place", Kind::Text),
    column("expected", "Expected", Kind::Text),
    column("found", "Found", Kind::Text),
    column("source", "Source", Kind::Text),
    column("event", "Event", Kind::Text),
    column("event_id", "Event id", Kind::Text),
    column("object_type", "Type", Kind::Text),
    column("object_id", "Object", Kind::Text),
    column("payload", "Payload", Kind::Text),
    column("path", "Page", Kind::Text),
];

/// What the query chooses; without a beginning the last days, as on the page.
fn failure_filter(asked: &Asked) -> Result<FailureFilter, Fault> {
    let (mut filter, complaints) = failures::filter(&asked.query, asked.clock.now_ms - FAILURES_BACK_MS);
    complained(complaints)?;
    // Failures never change: what was there at a moment is what had come by then.
    if asked.query.get("as_of").is_some() && (filter.to_ms == 0 || filter.to_ms > asked.clock.now_ms) {
        filter.to_ms = asked.clock.now_ms + 1;
    }
    Ok(filter)
}

async fn open_failures(asked: Asked) -> Result<Table, Fault> {
    let filter = failure_filter(&asked)?;
    let rows = asked.store.failure_rows(&asked.tenant, &filter, MAX_ROWS + 1).await?;
    Ok(Table::new(&FAILURE, rows, failure))
}

async fn count_failures(asked: Asked) -> Result<u64, Fault> {
    let filter = failure_filter(&asked)?;
    Ok(asked.store.failure_count(&asked.tenant, &filter).await?)
}

fn failure(row: FailureRow) -> Record {
    let payload = words::payload_id(row.payload, Some(row.index));
    vec![
        Cell::Time(row.received_ms),
        failures::title(&row.code, &row.pointer).into(),
        failures::stage(&row.stage).into(),
        row.code.into(),
        failures::place(&row.pointer).into(),
        row.expected.into(),
        mask::value(&row.pointer, &row.found).into(),
        row.source.into(),
        if row.event_type.is_empty() { Cell::Empty } else { words::event_title(&row.event_type).into() },
        row.event_id.into(),
        row.object_type.into(),
        row.object_id.into(),
        payload.as_str().into(),
        words::tenant_path(&row.tenant, &format!("payloads/{payload}")).into(),
    ]
}
