//! Columns of clocks and of paths.

use super::super::native::Block;
use super::super::rows::{PathRow, SlaRow};

pub fn slas(block: &mut Block, rows: &[SlaRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.words("root_type", rows.iter().map(|row| row.root_type.as_str()));
    block.strings("root_id", rows.iter().map(|row| row.root_id.as_str()));
    block.words("definition", rows.iter().map(|row| row.definition.as_str()));
    block.words("policy", rows.iter().map(|row| row.policy.as_str()));
    block.words("object_type", rows.iter().map(|row| row.object_type.as_str()));
    block.strings("object_id", rows.iter().map(|row| row.object_id.as_str()));
    block.words("variant", rows.iter().map(|row| row.variant.as_str()));
    block.words("kind", rows.iter().map(|row| row.kind.as_str()));
    block.words("title", rows.iter().map(|row| row.title.as_str()));
    block.strings("why", rows.iter().map(|row| row.why.as_str()));
    block.words("from_step", rows.iter().map(|row| row.from_step.as_str()));
    block.words("to_step", rows.iter().map(|row| row.to_step.as_str()));
    block.words("system", rows.iter().map(|row| row.system.as_str()));
    block.strings("customer", rows.iter().map(|row| row.customer.as_str()));
    block.words("warehouse", rows.iter().map(|row| row.warehouse.as_str()));
    block.words("carrier", rows.iter().map(|row| row.carrier.as_str()));
    block.words("lane", rows.iter().map(|row| row.lane.as_str()));
    block.words("priority", rows.iter().map(|row| row.priority.as_str()));
    block.some_decimals("amount", rows.iter().map(|row| row.amount));
    block.words("currency", rows.iter().map(|row| row.currency.as_str()));
    block.words("calendar", rows.iter().map(|row| row.calendar.as_str()));
    block.millis("started_at", rows.iter().map(|row| row.started_ms));
    block.millis("known_at", rows.iter().map(|row| row.known_ms));
    block.numbers("limit_ms", rows.iter().map(|row| row.limit_ms));
    block.numbers("paused_ms", rows.iter().map(|row| row.paused_ms));
    block.whole_lists("pauses", rows.iter().map(|row| row.pauses.as_slice()));
    block.some_millis("paused_since", rows.iter().map(|row| row.paused_since_ms));
    block.millis("warn_at", rows.iter().map(|row| row.warn_ms));
    block.millis("due_at", rows.iter().map(|row| row.due_ms));
    block.some_millis("ended_at", rows.iter().map(|row| row.ended_ms));
    block.words("verdict", rows.iter().map(|row| row.verdict.as_str()));
    block.words("first_verdict", rows.iter().map(|row| row.first_verdict.as_str()));
    block.bools("open", rows.iter().map(|row| row.open));
    block.numbers("breaches", rows.iter().map(|row| row.breaches));
    block.some_millis("detected_at", rows.iter().map(|row| row.detected_ms));
    block.bools("detected_late", rows.iter().map(|row| row.detected_late));
    block.words("cause", rows.iter().map(|row| row.cause.as_str()));
    block.some_millis("forecast_at", rows.iter().map(|row| row.forecast_ms));
    block.numbers("forecast_n", rows.iter().map(|row| row.forecast_n));
    block.strings("waived_by", rows.iter().map(|row| row.waived_by.as_str()));
    block.strings("waived_reason", rows.iter().map(|row| row.waived_reason.as_str()));
    block.numbers("mark", rows.iter().map(|row| row.mark));
    block.numbers("version", rows.iter().map(|row| row.version));
}

pub fn paths(block: &mut Block, rows: &[PathRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.words("definition", rows.iter().map(|row| row.definition.as_str()));
    block.words("root_type", rows.iter().map(|row| row.root_type.as_str()));
    block.strings("root_id", rows.iter().map(|row| row.root_id.as_str()));
    block.strings("customer", rows.iter().map(|row| row.customer.as_str()));
    block.words("warehouse", rows.iter().map(|row| row.warehouse.as_str()));
    block.words("carrier", rows.iter().map(|row| row.carrier.as_str()));
    block.words("lane", rows.iter().map(|row| row.lane.as_str()));
    block.words("priority", rows.iter().map(|row| row.priority.as_str()));
    block.millis("created_at", rows.iter().map(|row| row.created_ms));
    block.bools("closed", rows.iter().map(|row| row.closed));
    block.word_lists("steps", rows.iter().map(|row| row.steps.as_slice()));
    block.whole_lists("times", rows.iter().map(|row| row.times.as_slice()));
    block.numbers("delivered_ms", rows.iter().map(|row| row.delivered_ms));
    block.numbers("proved_ms", rows.iter().map(|row| row.proved_ms));
    block.numbers("ready_ms", rows.iter().map(|row| row.ready_ms));
    block.numbers("invoiced_ms", rows.iter().map(|row| row.invoiced_ms));
    block.numbers("paid_ms", rows.iter().map(|row| row.paid_ms));
    block.some_decimals("amount", rows.iter().map(|row| row.amount));
    block.words("currency", rows.iter().map(|row| row.currency.as_str()));
    block.bools("cancelled", rows.iter().map(|row| row.cancelled));
    block.words("promise", rows.iter().map(|row| row.promise.as_str()));
    block.numbers("version", rows.iter().map(|row| row.version));
}
