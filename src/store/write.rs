//! A batch into ClickHouse: one Native block and one insert per table that it has rows for.
//! Repeating a batch is harmless, because each insert carries the batch's token; when to repeat is the caller's to say.

mod exceptions;
mod readiness;
mod slas;

use std::time::Duration;

use bytes::Bytes;
use clickhouse::Client;
use futures_util::StreamExt;

use super::native::Block;
use super::rows::*;
use super::{Store, StoreError};

const SEND_LIMIT: Duration = Duration::from_secs(60);
const ANSWER_LIMIT: Duration = Duration::from_secs(180);
/// Larger blocks go to the connection in pieces of this size.
const PIECE: usize = 1 << 20;
/// Inserts under way at the same time.
const AT_ONCE: usize = 3;

impl Store {
    /// Returns when every table has the batch on disk. On an error some tables may have it and others not: write it
    /// again, the same rows under the same token.
    pub async fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        // A block is built when its turn comes, so that only some of them are in memory at a time.
        let mut inserts = Vec::new();
        for (insert, fill) in parts(batch) {
            inserts.push(send(&self.writer, &batch.token, insert, fill));
        }
        let outcomes: Vec<_> = futures_util::stream::iter(inserts).buffer_unordered(AT_ONCE).collect().await;
        outcomes.into_iter().collect::<Result<(), StoreError>>()?;
        self.open.note(batch);
        Ok(())
    }
}

/// The statement that takes a table's block.
pub(super) struct Insert {
    pub table: &'static str,
    pub sql: &'static str,
}

macro_rules! insert {
    ($table:literal) => {
        $crate::store::write::Insert {
            table: $table,
            sql: include_str!(concat!("../../queries/write/", $table, ".sql")),
        }
    };
}

pub(super) use insert;

pub(super) type Fill<'a> = Box<dyn Fn() -> Vec<u8> + Send + 'a>;

pub(super) async fn send(client: &Client, token: &str, insert: Insert, fill: Fill<'_>) -> Result<(), StoreError> {
    let mut request = client
        .insert_formatted_with(insert.sql.trim_end())
        .with_setting("insert_deduplication_token", format!("{token}/{}", insert.table))
        .with_setting("insert_deduplicate", "1")
        .with_setting("async_insert", "0")
        // An answer before the end could be a success followed by an error.
        .with_setting("wait_end_of_query", "1")
        .with_timeouts(Some(SEND_LIMIT), Some(ANSWER_LIMIT));
    let mut block = Bytes::from(fill());
    while !block.is_empty() {
        request.send(block.split_to(block.len().min(PIECE))).await?;
    }
    Ok(request.end().await?)
}

fn parts(batch: &Batch) -> Vec<(Insert, Fill<'_>)> {
    fn part<'a, R: Sync>(insert: Insert, rows: &'a [R], fill: fn(&mut Block, &[R])) -> Option<(Insert, Fill<'a>)> {
        let build = move || {
            let mut block = Block::new(rows.len());
            fill(&mut block, rows);
            block.finish()
        };
        (!rows.is_empty()).then(|| (insert, Box::new(build) as Fill<'a>))
    }
    let parts = [
        part(insert!("payloads"), &batch.payloads, payloads),
        part(insert!("events"), &batch.events, events),
        part(insert!("failures"), &batch.failures, failures),
        part(insert!("failure_groups"), &batch.failure_groups, failure_groups),
        part(insert!("spans"), &batch.spans, spans),
        part(insert!("logs"), &batch.logs, logs),
        part(insert!("points"), &batch.points, points),
        part(insert!("objects"), &batch.objects, objects),
        part(insert!("workflows"), &batch.workflows, workflows),
        part(insert!("slas"), &batch.slas, slas::slas),
        part(insert!("paths"), &batch.paths, slas::paths),
        part(insert!("exceptions"), &batch.exceptions, exceptions::exceptions),
        part(insert!("readiness"), &batch.readiness, readiness::readiness),
        part(insert!("readiness_history"), &batch.readiness, readiness::readiness),
        part(insert!("reconciliation"), &batch.reconciliation, readiness::reconciliation),
        part(insert!("reconciliation_history"), &batch.reconciliation, readiness::reconciliation),
        part(insert!("alerts"), &batch.alerts, exceptions::alerts),
        part(insert!("deliveries"), &batch.deliveries, exceptions::deliveries),
        part(insert!("source_minutes"), &batch.source_minutes, minutes),
        part(insert!("dependency_minutes"), &batch.dependency_minutes, dependency_minutes),
    ];
    parts.into_iter().flatten().collect()
}

fn events(block: &mut Block, rows: &[EventRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.words("object_type", rows.iter().map(|row| row.object_type.as_str()));
    block.strings("object_id", rows.iter().map(|row| row.object_id.as_str()));
    block.millis("occurred_at", rows.iter().map(|row| row.occurred_ms));
    block.numbers("offset_minutes", rows.iter().map(|row| row.offset_minutes));
    block.millis("received_at", rows.iter().map(|row| row.received_ms));
    block.strings("event_id", rows.iter().map(|row| row.event_id.as_str()));
    block.words("event_type", rows.iter().map(|row| row.event_type.as_str()));
    block.numbers("schema_version", rows.iter().map(|row| row.schema_version));
    block.words("source", rows.iter().map(|row| row.source.as_str()));
    block.words("system", rows.iter().map(|row| row.system.as_str()));
    block.string_lists("refs", rows.iter().map(|row| row.refs.as_slice()));
    block.strings("data", rows.iter().map(|row| row.data.as_str()));
    block.strings("trace_id", rows.iter().map(|row| row.trace_id.as_str()));
    block.strings("span_id", rows.iter().map(|row| row.span_id.as_str()));
    block.numbers("payload", rows.iter().map(|row| row.payload));
    block.numbers("index", rows.iter().map(|row| row.index));
    block.words("key_id", rows.iter().map(|row| row.key_id.as_str()));
    block.numbers("content", rows.iter().map(|row| row.content));
}

fn payloads(block: &mut Block, rows: &[PayloadRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.numbers("payload", rows.iter().map(|row| row.payload));
    block.millis("received_at", rows.iter().map(|row| row.received_ms));
    block.words("form", rows.iter().map(|row| row.form.as_str()));
    block.words("source", rows.iter().map(|row| row.source.as_str()));
    block.words("key_id", rows.iter().map(|row| row.key_id.as_str()));
    block.maps("headers", rows.iter().map(|row| row.headers.as_slice()));
    block.raw_strings("body", rows.iter().map(|row| row.body.as_slice()));
    block.numbers("events", rows.iter().map(|row| row.events));
    block.numbers("refused", rows.iter().map(|row| row.refused));
    block.words("rules", rows.iter().map(|row| row.rules.as_str()));
}

fn failures(block: &mut Block, rows: &[FailureRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.numbers("payload", rows.iter().map(|row| row.payload));
    block.numbers("index", rows.iter().map(|row| row.index));
    block.millis("received_at", rows.iter().map(|row| row.received_ms));
    block.words("stage", rows.iter().map(|row| row.stage.as_str()));
    block.words("code", rows.iter().map(|row| row.code.as_str()));
    block.strings("pointer", rows.iter().map(|row| row.pointer.as_str()));
    block.strings("expected", rows.iter().map(|row| row.expected.as_str()));
    block.strings("found", rows.iter().map(|row| row.found.as_str()));
    block.strings("detail", rows.iter().map(|row| row.detail.as_str()));
    block.numbers("fingerprint", rows.iter().map(|row| row.fingerprint));
    block.words("source", rows.iter().map(|row| row.source.as_str()));
    block.words("event_type", rows.iter().map(|row| row.event_type.as_str()));
    block.strings("event_id", rows.iter().map(|row| row.event_id.as_str()));
    block.numbers("schema_version", rows.iter().map(|row| row.schema_version));
    block.words("object_type", rows.iter().map(|row| row.object_type.as_str()));
    block.strings("object_id", rows.iter().map(|row| row.object_id.as_str()));
    block.numbers("offset", rows.iter().map(|row| row.offset));
    block.numbers("attempts", rows.iter().map(|row| row.attempts));
    block.words("target", rows.iter().map(|row| row.target.as_str()));
    block.words("step", rows.iter().map(|row| row.step.as_str()));
    block.strings("trace_id", rows.iter().map(|row| row.trace_id.as_str()));
}

fn failure_groups(block: &mut Block, rows: &[FailureGroupRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.numbers("group_id", rows.iter().map(|row| row.group_id));
    block.count_lists("fingerprints", rows.iter().map(|row| row.fingerprints.as_slice()));
    block.words("stage", rows.iter().map(|row| row.stage.as_str()));
    block.words("code", rows.iter().map(|row| row.code.as_str()));
    block.strings("pointer", rows.iter().map(|row| row.pointer.as_str()));
    block.strings("expected", rows.iter().map(|row| row.expected.as_str()));
    block.strings("found", rows.iter().map(|row| row.found.as_str()));
    block.strings("detail", rows.iter().map(|row| row.detail.as_str()));
    block.strings("step", rows.iter().map(|row| row.step.as_str()));
    block.strings("target", rows.iter().map(|row| row.target.as_str()));
    block.words("source", rows.iter().map(|row| row.source.as_str()));
    block.string_lists("sources", rows.iter().map(|row| row.sources.as_slice()));
    block.string_lists("event_types", rows.iter().map(|row| row.event_types.as_slice()));
    block.numbers("n", rows.iter().map(|row| row.count));
    block.numbers("last_hour", rows.iter().map(|row| row.last_hour));
    block.count_lists("hours", rows.iter().map(|row| row.hours.as_slice()));
    block.numbers("objects", rows.iter().map(|row| row.objects));
    block.numbers("orders", rows.iter().map(|row| row.orders));
    block.numbers("workflows", rows.iter().map(|row| row.workflows));
    block.numbers("customers", rows.iter().map(|row| row.customers));
    block.numbers("breached", rows.iter().map(|row| row.breached));
    block.numbers("at_risk", rows.iter().map(|row| row.at_risk));
    block.string_lists("money", rows.iter().map(|row| row.money.as_slice()));
    block.numbers("example_payload", rows.iter().map(|row| row.example_payload));
    block.numbers("example_index", rows.iter().map(|row| row.example_index));
    block.millis("first_at", rows.iter().map(|row| row.first_ms));
    block.millis("last_at", rows.iter().map(|row| row.last_ms));
    block.numbers("mended", rows.iter().map(|row| row.mended));
    block.millis("as_of", rows.iter().map(|row| row.as_of_ms));
    block.numbers("version", rows.iter().map(|row| row.version));
}

fn objects(block: &mut Block, rows: &[ObjectRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.words("object_type", rows.iter().map(|row| row.object_type.as_str()));
    block.strings("object_id", rows.iter().map(|row| row.object_id.as_str()));
    block.words("state", rows.iter().map(|row| row.state.as_str()));
    block.numbers("events", rows.iter().map(|row| row.events));
    block.millis("first_at", rows.iter().map(|row| row.first_ms));
    block.millis("last_at", rows.iter().map(|row| row.last_ms));
    block.words("last_type", rows.iter().map(|row| row.last_type.as_str()));
    block.words("last_source", rows.iter().map(|row| row.last_source.as_str()));
    block.words("last_system", rows.iter().map(|row| row.last_system.as_str()));
    block.bools("held", rows.iter().map(|row| row.held));
    block.millis("held_since", rows.iter().map(|row| row.held_since_ms));
    block.strings("waits_for", rows.iter().map(|row| row.waits_for.as_str()));
    block.string_lists("links", rows.iter().map(|row| row.links.as_slice()));
    block.string_lists("workflows", rows.iter().map(|row| row.workflows.as_slice()));
    block.strings("same_as", rows.iter().map(|row| row.same_as.as_str()));
    block.string_lists("aliases", rows.iter().map(|row| row.aliases.as_slice()));
    block.numbers("version", rows.iter().map(|row| row.version));
}

fn workflows(block: &mut Block, rows: &[WorkflowRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.words("root_type", rows.iter().map(|row| row.root_type.as_str()));
    block.strings("root_id", rows.iter().map(|row| row.root_id.as_str()));
    block.words("definition", rows.iter().map(|row| row.definition.as_str()));
    block.numbers("definition_version", rows.iter().map(|row| row.definition_version));
    block.words("status", rows.iter().map(|row| row.status.as_str()));
    block.words("stage", rows.iter().map(|row| row.stage.as_str()));
    block.words("stage_title", rows.iter().map(|row| row.stage_title.as_str()));
    block.numbers("stage_number", rows.iter().map(|row| row.stage_number));
    block.numbers("stage_count", rows.iter().map(|row| row.stage_count));
    block.words("next", rows.iter().map(|row| row.next.as_str()));
    block.words("next_title", rows.iter().map(|row| row.next_title.as_str()));
    block.words("waiting_for", rows.iter().map(|row| row.waiting_for.as_str()));
    block.strings("customer", rows.iter().map(|row| row.customer.as_str()));
    block.some_decimals("amount", rows.iter().map(|row| row.amount));
    block.words("currency", rows.iter().map(|row| row.currency.as_str()));
    block.words("priority", rows.iter().map(|row| row.priority.as_str()));
    block.words("warehouse", rows.iter().map(|row| row.warehouse.as_str()));
    block.words("carrier", rows.iter().map(|row| row.carrier.as_str()));
    block.millis("created_at", rows.iter().map(|row| row.created_ms));
    block.millis("updated_at", rows.iter().map(|row| row.updated_ms));
    block.bools("closed", rows.iter().map(|row| row.closed));
    block.words("last_type", rows.iter().map(|row| row.last_type.as_str()));
    block.words("last_system", rows.iter().map(|row| row.last_system.as_str()));
    block.millis("last_at", rows.iter().map(|row| row.last_ms));
    block.some_millis("due_at", rows.iter().map(|row| row.due_ms));
    block.some_millis("warn_at", rows.iter().map(|row| row.warn_ms));
    block.words("sla", rows.iter().map(|row| row.sla.as_str()));
    block.words("blocked_code", rows.iter().map(|row| row.blocked_code.as_str()));
    block.strings("blocked_what", rows.iter().map(|row| row.blocked_what.as_str()));
    block.word_lists("exceptions", rows.iter().map(|row| row.exceptions.as_slice()));
    block.words("readiness", rows.iter().map(|row| row.readiness.as_str()));
    block.string_lists("members", rows.iter().map(|row| row.members.as_slice()));
    block.some_millis("wakes_at", rows.iter().map(|row| row.wakes_ms));
    block.numbers("mark", rows.iter().map(|row| row.mark));
    block.numbers("version", rows.iter().map(|row| row.version));
}

fn spans(block: &mut Block, rows: &[SpanRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.strings("trace_id", rows.iter().map(|row| row.span.trace.trace_id.as_str()));
    block.nanos("start", rows.iter().map(|row| row.span.start_ns));
    block.nanos("end", rows.iter().map(|row| row.span.end_ns));
    block.strings("span_id", rows.iter().map(|row| row.span.trace.span_id.as_str()));
    block.strings("parent_span_id", rows.iter().map(|row| row.span.parent_span_id.as_str()));
    block.words("name", rows.iter().map(|row| row.span.name.as_str()));
    block.numbers("kind", rows.iter().map(|row| row.span.kind));
    block.words("service", rows.iter().map(|row| row.span.service.as_str()));
    block.words("source", rows.iter().map(|row| row.span.source.as_str()));
    block.words("system", rows.iter().map(|row| row.span.system.as_str()));
    block.numbers("status", rows.iter().map(|row| row.span.status));
    block.strings("status_message", rows.iter().map(|row| row.span.status_message.as_str()));
    block.words("object_type", rows.iter().map(|row| row.span.object.as_ref().map_or("", |object| &object.kind)));
    block.strings("object_id", rows.iter().map(|row| row.span.object.as_ref().map_or("", |object| &object.id)));
    block.maps("attributes", rows.iter().map(|row| row.span.attributes.as_slice()));
    block.strings("events", rows.iter().map(|row| row.span.events.as_str()));
    block.millis("received_at", rows.iter().map(|row| row.received_ms));
    block.numbers("payload", rows.iter().map(|row| row.payload));
}

fn logs(block: &mut Block, rows: &[LogRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.words("source", rows.iter().map(|row| row.log.source.as_str()));
    block.nanos("time", rows.iter().map(|row| row.log.time_ns));
    block.numbers("severity", rows.iter().map(|row| row.log.severity));
    block.words("service", rows.iter().map(|row| row.log.service.as_str()));
    block.strings("body", rows.iter().map(|row| row.log.body.as_str()));
    block.strings("trace_id", rows.iter().map(|row| row.log.trace.trace_id.as_str()));
    block.strings("span_id", rows.iter().map(|row| row.log.trace.span_id.as_str()));
    block.words("object_type", rows.iter().map(|row| row.log.object.as_ref().map_or("", |object| &object.kind)));
    block.strings("object_id", rows.iter().map(|row| row.log.object.as_ref().map_or("", |object| &object.id)));
    block.maps("attributes", rows.iter().map(|row| row.log.attributes.as_slice()));
    block.millis("received_at", rows.iter().map(|row| row.received_ms));
    block.numbers("payload", rows.iter().map(|row| row.payload));
}

fn points(block: &mut Block, rows: &[PointRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.words("source", rows.iter().map(|row| row.point.source.as_str()));
    block.words("name", rows.iter().map(|row| row.point.name.as_str()));
    block.nanos("time", rows.iter().map(|row| row.point.time_ns));
    block.words("unit", rows.iter().map(|row| row.point.unit.as_str()));
    block.words("kind", rows.iter().map(|row| row.point.kind));
    block.words("service", rows.iter().map(|row| row.point.service.as_str()));
    block.numbers("value", rows.iter().map(|row| row.point.value));
    block.numbers("count", rows.iter().map(|row| row.point.count));
    block.number_lists("bounds", rows.iter().map(|row| row.point.bounds.as_slice()));
    block.number_lists("buckets", rows.iter().map(|row| row.point.buckets.as_slice()));
    block.maps("attributes", rows.iter().map(|row| row.point.attributes.as_slice()));
    block.millis("received_at", rows.iter().map(|row| row.received_ms));
}

fn minutes(block: &mut Block, rows: &[SourceMinuteRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.words("source", rows.iter().map(|row| row.source.as_str()));
    block.millis("minute", rows.iter().map(|row| row.minute_ms));
    block.words("form", rows.iter().map(|row| row.form.as_str()));
    block.words("system", rows.iter().map(|row| row.system.as_str()));
    block.numbers("events", rows.iter().map(|row| row.events));
    block.numbers("records", rows.iter().map(|row| row.records));
    block.numbers("duplicates", rows.iter().map(|row| row.duplicates));
    block.numbers("refused", rows.iter().map(|row| row.refused));
    block.numbers("errors", rows.iter().map(|row| row.errors));
    block.numbers("bytes", rows.iter().map(|row| row.bytes));
    block.numbers("lag_sum_ms", rows.iter().map(|row| row.lag_sum_ms));
    block.numbers("lag_max_ms", rows.iter().map(|row| row.lag_max_ms));
    block.millis("last_at", rows.iter().map(|row| row.last_ms));
    block.string_lists("contracts", rows.iter().map(|row| row.contracts.as_slice()));
    block.size_maps("lags", rows.iter().map(|row| row.lags.as_slice()));
    block.numbers("late", rows.iter().map(|row| row.late));
    block.numbers("ahead", rows.iter().map(|row| row.ahead));
    block.numbers("ahead_max_ms", rows.iter().map(|row| row.ahead_max_ms));
}

fn dependency_minutes(block: &mut Block, rows: &[DependencyMinuteRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.words("dependency", rows.iter().map(|row| row.dependency.as_str()));
    block.millis("minute", rows.iter().map(|row| row.minute_ms));
    block.words("source", rows.iter().map(|row| row.source.as_str()));
    block.numbers("calls", rows.iter().map(|row| row.calls));
    block.numbers("errors", rows.iter().map(|row| row.errors));
    block.size_maps("took", rows.iter().map(|row| row.took.as_slice()));
    block.numbers("took_max_ms", rows.iter().map(|row| row.took_max_ms));
    block.millis("last_at", rows.iter().map(|row| row.last_ms));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_name_the_columns_that_the_blocks_have_in_their_order() {
        let check = |insert: Insert, fill: &dyn Fn(&mut Block)| {
            let mut block = Block::new(0);
            fill(&mut block);
            let said =
                insert.sql.split_once('(').and_then(|(_, rest)| rest.split_once(')')).expect("a list of columns").0;
            let said: Vec<&str> = said.split(',').map(|name| name.trim().trim_matches('`')).collect();
            assert_eq!(said, block.columns(), "{}", insert.table);
        };
        check(insert!("events"), &|block| events(block, &[]));
        check(insert!("payloads"), &|block| payloads(block, &[]));
        check(insert!("failures"), &|block| failures(block, &[]));
        check(insert!("failure_groups"), &|block| failure_groups(block, &[]));
        check(insert!("objects"), &|block| objects(block, &[]));
        check(insert!("workflows"), &|block| workflows(block, &[]));
        check(insert!("slas"), &|block| slas::slas(block, &[]));
        check(insert!("paths"), &|block| slas::paths(block, &[]));
        check(insert!("exceptions"), &|block| exceptions::exceptions(block, &[]));
        check(insert!("readiness"), &|block| readiness::readiness(block, &[]));
        check(insert!("readiness_history"), &|block| readiness::readiness(block, &[]));
        check(insert!("reconciliation"), &|block| readiness::reconciliation(block, &[]));
        check(insert!("alerts"), &|block| exceptions::alerts(block, &[]));
        check(insert!("deliveries"), &|block| exceptions::deliveries(block, &[]));
        check(insert!("spans"), &|block| spans(block, &[]));
        check(insert!("logs"), &|block| logs(block, &[]));
        check(insert!("points"), &|block| points(block, &[]));
        check(insert!("source_minutes"), &|block| minutes(block, &[]));
        check(insert!("dependency_minutes"), &|block| dependency_minutes(block, &[]));
    }
}
