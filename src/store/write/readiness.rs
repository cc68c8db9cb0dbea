//! Columns of readiness and reconciliation.

use super::super::native::Block;
use super::super::rows::{ReadinessRow, ReconciliationRow};

pub fn readiness(block: &mut Block, rows: &[ReadinessRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.words("root_type", rows.iter().map(|row| row.root_type.as_str()));
    block.strings("root_id", rows.iter().map(|row| row.root_id.as_str()));
    block.words("object_type", rows.iter().map(|row| row.object_type.as_str()));
    block.strings("object_id", rows.iter().map(|row| row.object_id.as_str()));
    block.bools("is_rest", rows.iter().map(|row| row.is_rest));
    block.words("state", rows.iter().map(|row| row.state.as_str()));
    block.word_lists("reasons", rows.iter().map(|row| row.reasons.as_slice()));
    block.strings("why", rows.iter().map(|row| row.why.as_str()));
    block.words("system", rows.iter().map(|row| row.system.as_str()));
    block.words("next_step", rows.iter().map(|row| row.next_step.as_str()));
    block.strings("customer", rows.iter().map(|row| row.customer.as_str()));
    block.words("carrier", rows.iter().map(|row| row.carrier.as_str()));
    block.words("warehouse", rows.iter().map(|row| row.warehouse.as_str()));
    block.some_decimals("amount", rows.iter().map(|row| row.amount));
    block.words("currency", rows.iter().map(|row| row.currency.as_str()));
    block.some_decimals("billed", rows.iter().map(|row| row.billed));
    block.some_decimals("remaining", rows.iter().map(|row| row.remaining));
    block.some_millis("since", rows.iter().map(|row| row.since_ms));
    block.some_millis("delivered_at", rows.iter().map(|row| row.delivered_ms));
    block.some_millis("proof_at", rows.iter().map(|row| row.proof_ms));
    block.some_millis("invoiced_at", rows.iter().map(|row| row.invoiced_ms));
    block.numbers("mark", rows.iter().map(|row| row.mark));
    block.numbers("version", rows.iter().map(|row| row.version));
}

pub fn reconciliation(block: &mut Block, rows: &[ReconciliationRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.words("root_type", rows.iter().map(|row| row.root_type.as_str()));
    block.strings("root_id", rows.iter().map(|row| row.root_id.as_str()));
    block.words("kind", rows.iter().map(|row| row.kind.as_str()));
    block.words("object_type", rows.iter().map(|row| row.object_type.as_str()));
    block.strings("object_id", rows.iter().map(|row| row.object_id.as_str()));
    block.strings("line", rows.iter().map(|row| row.line.as_str()));
    block.words("state", rows.iter().map(|row| row.state.as_str()));
    block.strings("detail", rows.iter().map(|row| row.detail.as_str()));
    block.strings("expected", rows.iter().map(|row| row.expected.as_str()));
    block.strings("found", rows.iter().map(|row| row.found.as_str()));
    block.words("unit", rows.iter().map(|row| row.unit.as_str()));
    block.some_decimals("value", rows.iter().map(|row| row.value));
    block.words("currency", rows.iter().map(|row| row.currency.as_str()));
    block.string_lists("figures", rows.iter().map(|row| row.figures.as_slice()));
    block.millis("since", rows.iter().map(|row| row.since_ms));
    block.words("system", rows.iter().map(|row| row.system.as_str()));
    block.strings("customer", rows.iter().map(|row| row.customer.as_str()));
    block.words("carrier", rows.iter().map(|row| row.carrier.as_str()));
    block.strings("evidence", rows.iter().map(|row| row.evidence.as_str()));
    block.numbers("mark", rows.iter().map(|row| row.mark));
    block.numbers("version", rows.iter().map(|row| row.version));
}
