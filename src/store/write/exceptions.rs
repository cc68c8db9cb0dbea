//! Columns of exceptions, of alerts and of their deliveries.

use super::super::native::Block;
use super::super::rows::{AlertRow, DeliveryRow, ExceptionRow};

pub fn exceptions(block: &mut Block, rows: &[ExceptionRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.strings("id", rows.iter().map(|row| row.id.as_str()));
    block.words("kind", rows.iter().map(|row| row.kind.as_str()));
    block.words("severity", rows.iter().map(|row| row.severity.as_str()));
    block.words("object_type", rows.iter().map(|row| row.object_type.as_str()));
    block.strings("object_id", rows.iter().map(|row| row.object_id.as_str()));
    block.words("root_type", rows.iter().map(|row| row.root_type.as_str()));
    block.strings("root_id", rows.iter().map(|row| row.root_id.as_str()));
    block.strings("detail", rows.iter().map(|row| row.detail.as_str()));
    block.words("system", rows.iter().map(|row| row.system.as_str()));
    block.word_lists("feeds", rows.iter().map(|row| row.feeds.as_slice()));
    block.bools("blocking", rows.iter().map(|row| row.blocking));
    block.millis("since", rows.iter().map(|row| row.since_ms));
    block.millis("known_at", rows.iter().map(|row| row.known_ms));
    block.words("state", rows.iter().map(|row| row.state.as_str()));
    block.bools("closed", rows.iter().map(|row| row.closed));
    block.some_millis("closed_at", rows.iter().map(|row| row.closed_ms));
    block.strings("closed_by", rows.iter().map(|row| row.closed_by.as_str()));
    block.words("closed_kind", rows.iter().map(|row| row.closed_kind.as_str()));
    block.numbers("occurrence", rows.iter().map(|row| row.occurrence));
    block.words("owner", rows.iter().map(|row| row.owner.as_str()));
    block.words("team", rows.iter().map(|row| row.team.as_str()));
    block.words("reason", rows.iter().map(|row| row.reason.as_str()));
    block.numbers("comments", rows.iter().map(|row| row.comments));
    block.some_millis("until", rows.iter().map(|row| row.until_ms));
    block.some_millis("acknowledge_by", rows.iter().map(|row| row.acknowledge_by_ms));
    block.some_millis("resolve_by", rows.iter().map(|row| row.resolve_by_ms));
    block.strings("customer", rows.iter().map(|row| row.customer.as_str()));
    block.words("warehouse", rows.iter().map(|row| row.warehouse.as_str()));
    block.words("carrier", rows.iter().map(|row| row.carrier.as_str()));
    block.numbers("orders", rows.iter().map(|row| row.orders));
    block.numbers("customers", rows.iter().map(|row| row.customers));
    block.some_decimals("amount", rows.iter().map(|row| row.amount));
    block.words("currency", rows.iter().map(|row| row.currency.as_str()));
    block.string_lists("money", rows.iter().map(|row| row.money.as_slice()));
    block.numbers("mark", rows.iter().map(|row| row.mark));
    block.numbers("version", rows.iter().map(|row| row.version));
}

pub fn alerts(block: &mut Block, rows: &[AlertRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.strings("key", rows.iter().map(|row| row.key.as_str()));
    block.words("route", rows.iter().map(|row| row.route.as_str()));
    block.strings("title", rows.iter().map(|row| row.title.as_str()));
    block.words("severity", rows.iter().map(|row| row.severity.as_str()));
    block.words("state", rows.iter().map(|row| row.state.as_str()));
    block.numbers("round", rows.iter().map(|row| row.round));
    block.millis("opened_at", rows.iter().map(|row| row.opened_ms));
    block.millis("changed_at", rows.iter().map(|row| row.changed_ms));
    block.numbers("exceptions", rows.iter().map(|row| row.exceptions));
    block.strings("told", rows.iter().map(|row| row.told.as_str()));
    block.numbers("version", rows.iter().map(|row| row.version));
}

pub fn deliveries(block: &mut Block, rows: &[DeliveryRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.strings("id", rows.iter().map(|row| row.id.as_str()));
    block.strings("alert", rows.iter().map(|row| row.alert.as_str()));
    block.words("receiver", rows.iter().map(|row| row.receiver.as_str()));
    block.words("channel", rows.iter().map(|row| row.channel.as_str()));
    block.words("action", rows.iter().map(|row| row.action.as_str()));
    block.strings("subject", rows.iter().map(|row| row.subject.as_str()));
    block.words("state", rows.iter().map(|row| row.state.as_str()));
    block.numbers("attempts", rows.iter().map(|row| row.attempts));
    block.millis("created_at", rows.iter().map(|row| row.created_ms));
    block.millis("tried_at", rows.iter().map(|row| row.tried_ms));
    block.millis("next_at", rows.iter().map(|row| row.next_ms));
    block.strings("answer", rows.iter().map(|row| row.answer.as_str()));
    block.strings("notice", rows.iter().map(|row| row.notice.as_str()));
    block.numbers("version", rows.iter().map(|row| row.version));
}
