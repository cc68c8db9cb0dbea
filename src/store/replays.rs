//! Replay jobs, their items, edits of payloads, and which failed records have been mended.

use clickhouse::Row;
use milepost_ingest::ObjectRef;
use serde::{Deserialize, Serialize};

use super::native::Block;
use super::objects::names;
use super::rows::{FailureRow, PayloadRow};
use super::write::{Fill, Insert, insert, send};
use super::{Store, StoreError};

/// In `record`: the payload as a whole.
pub const WHOLE: u32 = u32::MAX;

/// A payload, or one record of it, as people name it: `3f`, `3f.2`.
pub fn name(payload: u64, record: u32) -> String {
    if record == WHOLE { format!("{payload:x}") } else { format!("{payload:x}.{record}") }
}

/// `replays`: a job as it stands (ReplacingMergeTree by `version`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct ReplayRow {
    pub tenant: String,
    pub id: String,
    /// `replay` or `action`
    pub kind: String,
    /// `draft`, `scheduled`, `running`, `paused`, `stopped`, `settling`, `finished`, `cancelled`
    pub state: String,
    /// `pipeline`, or `target:NAME`
    pub through: String,
    pub reason: String,
    /// Who confirmed it: `person/NAME` or `key/ID`.
    pub by: String,
    /// What was selected, in words.
    pub words: String,
    /// The choices of the dialog, as JSON.
    pub options: String,
    /// Of what was selected and what is done with it: two jobs with the same are one.
    pub selection: u64,
    pub count: u32,
    pub oldest_ms: i64,
    /// JSON: an amount per currency.
    pub value: String,
    /// JSON: what was selected and left out, with why.
    pub excluded: String,
    /// Why it stands still.
    pub note: String,
    pub proven: u32,
    pub sent: u32,
    pub failed: u32,
    pub skipped: u32,
    pub created_ms: i64,
    pub starts_ms: i64,
    pub started_ms: i64,
    pub finished_ms: i64,
    /// The job whose rest this one does.
    pub again_of: String,
    pub version: u64,
}

/// `replay_items`: what one item came to (ReplacingMergeTree by `version`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct ReplayItemRow {
    pub tenant: String,
    pub replay: String,
    pub position: u32,
    pub payload: u64,
    /// Place of the record in its payload; `WHOLE` for all of it.
    pub record: u32,
    pub object_type: String,
    pub object_id: String,
    pub event_id: String,
    pub fingerprint: u64,
    /// The edit that goes in place of the original.
    pub edit: String,
    /// Of an action: what is sent.
    pub body: String,
    /// `waiting`, `retrying`, `sent`, `proven`, `no_effect`, `failed`, `skipped`, `cancelled`
    pub state: String,
    pub attempts: u32,
    pub next_ms: i64,
    pub code: String,
    pub detail: String,
    /// HTTP status of the last answer; 0 when there was none.
    pub status: u32,
    /// The target that took it: the fallback where the first could not.
    pub via: String,
    /// Through the pipeline: the payload that it became.
    pub result: String,
    pub trace_id: String,
    /// JSON: events that are to be seen.
    pub awaits: String,
    pub sent_ms: i64,
    pub due_ms: i64,
    pub settled_ms: i64,
    pub version: u64,
}

/// `payload_edits`: another version of a payload, or of one record in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct EditRow {
    pub tenant: String,
    pub payload: u64,
    pub record: u32,
    pub id: String,
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
    pub by: String,
    pub made_ms: i64,
    /// JSON: what is still wrong with it.
    pub problems: String,
    /// The version of contracts and mapping that says so.
    pub rules: String,
}

/// `healed`: a failed record that a replay has mended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealedRow {
    pub tenant: String,
    pub payload: u64,
    pub record: u32,
    pub fingerprint: u64,
    pub replay: String,
    pub healed_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct Healed {
    pub payload: u64,
    pub record: u32,
    pub replay: String,
    pub healed_ms: i64,
}

/// Items of one outcome, with the first as an example.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Outcome {
    pub state: String,
    pub code: String,
    #[serde(rename = "n")]
    pub count: u64,
    pub example: u32,
    pub detail: String,
}

/// A job with items that belong to no workflow and show no effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct SilentReplay {
    pub replay: String,
    /// `pipeline`, or the target that took them.
    #[serde(rename = "way")]
    pub via: String,
    #[serde(rename = "n")]
    pub count: u64,
    /// When the first of them should have shown its effect.
    #[serde(rename = "silent_ms")]
    pub since_ms: i64,
}

/// An event as far as an effect is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct Report {
    pub object_type: String,
    pub object_id: String,
    pub refs: Vec<String>,
    pub received_ms: i64,
}

/// An action that was asked for about an object, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct ActionRow {
    pub replay: String,
    pub words: String,
    pub reason: String,
    pub by: String,
    pub through: String,
    /// State of the job.
    pub job: String,
    pub created_ms: i64,
    pub object_type: String,
    pub object_id: String,
    /// State of the item.
    pub state: String,
    pub attempts: u32,
    pub next_ms: i64,
    pub code: String,
    pub detail: String,
    pub status: u32,
    pub via: String,
    pub sent_ms: i64,
    pub due_ms: i64,
    pub settled_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct WorkflowValue {
    pub root_type: String,
    pub root_id: String,
    pub amount: i128,
    pub currency: String,
}

/// Names in one question: they travel in its address.
pub const AT_ONCE: usize = 500;
const REPORTS_LIMIT: u64 = 100_000;

impl Store {
    /// Returns when it is on disk. Written again with a higher version, it takes the place of what was.
    pub async fn write_replay(&self, row: &ReplayRow) -> Result<(), StoreError> {
        let token = format!("{}/{}-{}", row.tenant, row.id, row.version);
        self.put(&token, insert!("replays"), std::slice::from_ref(row), replays).await
    }

    pub async fn write_replay_items(&self, rows: &[ReplayItemRow]) -> Result<(), StoreError> {
        let Some(first) = rows.first() else { return Ok(()) };
        let token = format!("{}/{}-{}-{}", first.tenant, first.replay, first.version, rows.len());
        self.put(&token, insert!("replay_items"), rows, replay_items).await
    }

    pub async fn write_edit(&self, row: &EditRow) -> Result<(), StoreError> {
        let token = format!("{}/{}", row.tenant, row.id);
        self.put(&token, insert!("payload_edits"), std::slice::from_ref(row), edits).await
    }

    pub async fn write_healed(&self, rows: &[HealedRow]) -> Result<(), StoreError> {
        let Some(first) = rows.first() else { return Ok(()) };
        let token = format!("{}/{}-{}-{}", first.replay, first.payload, first.healed_ms, rows.len());
        self.put(&token, insert!("healed"), rows, healed).await
    }

    async fn put<R: Sync>(
        &self,
        token: &str,
        into: Insert,
        rows: &[R],
        fill: fn(&mut Block, &[R]),
    ) -> Result<(), StoreError> {
        let build: Fill<'_> = Box::new(move || {
            let mut block = Block::new(rows.len());
            fill(&mut block, rows);
            block.finish()
        });
        send(&self.writer, token, into, build).await
    }

    /// The newest first, those before `after_id` when it is not empty.
    pub async fn replays(&self, tenant: &str, after_id: &str, limit: u64) -> Result<Vec<ReplayRow>, StoreError> {
        let query = self.reader.query_raw(read!("replays")).param("tenant", tenant);
        Ok(query.param("after_id", after_id).param("limit", limit).fetch_all().await?)
    }

    pub async fn replay(&self, tenant: &str, id: &str) -> Result<Option<ReplayRow>, StoreError> {
        let query = self.reader.query_raw(read!("replay")).param("tenant", tenant);
        Ok(query.param("replay", id).fetch_optional().await?)
    }

    /// Of all tenants: what is to go on after a start.
    pub async fn active_replays(&self) -> Result<Vec<ReplayRow>, StoreError> {
        Ok(self.writer.query_raw(read!("active_replays")).fetch_all().await?)
    }

    /// In the job's order, from a position on; with `states` only those in one of them.
    pub async fn replay_items(
        &self,
        tenant: &str,
        replay: &str,
        states: &[&str],
        from_position: u32,
        limit: u64,
    ) -> Result<Vec<ReplayItemRow>, StoreError> {
        let query = self.writer.query_raw(read!("replay_items")).param("tenant", tenant).param("replay", replay);
        let query = query.param("states", states).param("from_position", from_position).param("limit", limit);
        Ok(query.fetch_all().await?)
    }

    /// Of all tenants: what showed no effect in time since then.
    pub async fn silent_items(&self, since_ms: i64, limit: u64) -> Result<Vec<ReplayItemRow>, StoreError> {
        let query = self.writer.query_raw(read!("silent_items")).param("since_ms", since_ms);
        Ok(query.param("limit", limit).fetch_all().await?)
    }

    /// Of what belongs to no workflow and was sent since then: what shows no effect, by job, the latest first.
    pub async fn silent_replays(&self, tenant: &str, since_ms: i64) -> Result<Vec<SilentReplay>, StoreError> {
        let query = self.reader.query_raw(read!("silent_replays")).param("tenant", tenant).param("since_ms", since_ms);
        Ok(query.param("whole", WHOLE).param("limit", 100_u64).fetch_all().await?)
    }

    pub async fn replay_outcomes(&self, tenant: &str, replay: &str) -> Result<Vec<Outcome>, StoreError> {
        let query = self.reader.query_raw(read!("replay_outcomes")).param("tenant", tenant);
        Ok(query.param("replay", replay).param("limit", 100_u64).fetch_all().await?)
    }

    /// What replays did with a payload, the newest first.
    pub async fn replays_of_payload(&self, tenant: &str, payload: u64) -> Result<Vec<ReplayItemRow>, StoreError> {
        let query = self.reader.query_raw(read!("replays_of_payload")).param("tenant", tenant);
        Ok(query.param("payload", payload).param("limit", 200_u64).fetch_all().await?)
    }

    /// What was asked of other systems about these objects, the newest first.
    pub async fn actions_about(
        &self,
        tenant: &str,
        objects: &[ObjectRef],
        limit: u64,
    ) -> Result<Vec<ActionRow>, StoreError> {
        let mut found = Vec::new();
        for some in objects.chunks(AT_ONCE) {
            let ids: Vec<&str> = some.iter().map(|object| object.id.as_str()).collect();
            let query = self.reader.query_raw(read!("actions_about")).param("tenant", tenant);
            let query = query.param("objects", names(some)).param("ids", ids).param("limit", limit);
            found.extend(query.fetch_all::<ActionRow>().await?);
        }
        found.sort_by(|a: &ActionRow, b| b.replay.cmp(&a.replay));
        found.truncate(limit as usize);
        Ok(found)
    }

    /// Groups, by id, that have one of these causes and in which a replay has mended everything; with how many that is.
    pub async fn mended_groups(&self, tenant: &str, fingerprints: &[u64]) -> Result<Vec<(u64, u64)>, StoreError> {
        let mut found = Vec::new();
        for some in fingerprints.chunks(AT_ONCE) {
            let query = self.writer.query_raw(read!("mended_groups")).param("tenant", tenant);
            found.extend(query.param("causes", some).fetch_all::<(u64, u64)>().await?);
        }
        Ok(found)
    }

    /// The action that was asked for with the same words before.
    pub async fn action_made(&self, tenant: &str, selection: u64) -> Result<Option<ReplayRow>, StoreError> {
        let query = self.writer.query_raw(read!("action_made")).param("tenant", tenant);
        Ok(query.param("selection", selection).fetch_optional().await?)
    }

    /// The job that a request with this key began, and what tells that request.
    pub async fn replay_asked(&self, tenant: &str, key: &str) -> Result<Option<(String, String)>, StoreError> {
        let query = self.writer.query_raw(read!("replay_asked")).param("tenant", tenant);
        Ok(query.param("key", key).fetch_optional().await?)
    }

    pub async fn payload_edit(&self, tenant: &str, id: &str) -> Result<Option<EditRow>, StoreError> {
        let query = self.reader.query_raw(read!("payload_edit")).param("tenant", tenant);
        Ok(query.param("edit", id).fetch_optional().await?)
    }

    /// Edits of a payload, the newest first.
    pub async fn payload_edits(&self, tenant: &str, payload: u64) -> Result<Vec<EditRow>, StoreError> {
        let query = self.reader.query_raw(read!("payload_edits")).param("tenant", tenant);
        Ok(query.param("payload", payload).param("limit", 100_u64).fetch_all().await?)
    }

    pub async fn healed(&self, tenant: &str, payloads: &[u64]) -> Result<Vec<Healed>, StoreError> {
        self.by_payloads(read!("healed"), tenant, payloads).await
    }

    pub async fn payload_sizes(&self, tenant: &str, payloads: &[u64]) -> Result<Vec<(u64, u64)>, StoreError> {
        self.by_payloads(read!("payload_sizes"), tenant, payloads).await
    }

    /// By which version of contracts and mapping each was read.
    pub async fn payload_rules(&self, tenant: &str, payloads: &[u64]) -> Result<Vec<(u64, String)>, StoreError> {
        self.by_payloads(read!("payload_rules"), tenant, payloads).await
    }

    pub async fn payloads(&self, tenant: &str, payloads: &[u64]) -> Result<Vec<PayloadRow>, StoreError> {
        self.by_payloads(read!("payloads"), tenant, payloads).await
    }

    /// In the order of payload and place.
    pub async fn failures_of_payloads(
        &self,
        tenant: &str,
        payloads: &[u64],
        limit: u64,
    ) -> Result<Vec<FailureRow>, StoreError> {
        let mut found = Vec::new();
        for some in payloads.chunks(AT_ONCE) {
            let query = self.reader.query_raw(read!("failures_of_payloads")).param("tenant", tenant);
            found.extend(query.param("payloads", some).param("limit", limit).fetch_all::<FailureRow>().await?);
        }
        Ok(found)
    }

    /// Those of these events, `(object, id)`, that have been taken.
    pub async fn events_taken(
        &self,
        tenant: &str,
        events: &[(ObjectRef, String)],
    ) -> Result<Vec<(ObjectRef, String)>, StoreError> {
        let mut found = Vec::new();
        for some in events.chunks(AT_ONCE) {
            let objects: Vec<(&str, &str)> = some.iter().map(|(o, _)| (o.kind.as_str(), o.id.as_str())).collect();
            let ids: Vec<&str> = some.iter().map(|(_, id)| id.as_str()).collect();
            let query = self.reader.query_raw(read!("events_taken")).param("tenant", tenant);
            let rows: Vec<(String, String, String)> =
                query.param("objects", objects).param("events", ids).fetch_all().await?;
            found.extend(rows.into_iter().map(|(kind, object, id)| (ObjectRef::new(kind, object), id)));
        }
        Ok(found)
    }

    /// What was reported since then, of a type or by a system; an empty name does not narrow.
    pub async fn events_since(
        &self,
        tenant: &str,
        since_ms: i64,
        event_type: &str,
        system: &str,
    ) -> Result<Vec<Report>, StoreError> {
        let query = self.reader.query_raw(read!("events_since")).param("tenant", tenant).param("since_ms", since_ms);
        let query = query.param("event_type", event_type).param("system", system).param("limit", REPORTS_LIMIT);
        Ok(query.fetch_all().await?)
    }

    pub async fn workflow_values(&self, tenant: &str, roots: &[ObjectRef]) -> Result<Vec<WorkflowValue>, StoreError> {
        let mut found = Vec::new();
        for some in roots.chunks(AT_ONCE) {
            let query = self.reader.query_raw(read!("workflow_values")).param("tenant", tenant);
            found.extend(query.param("objects", names(some)).fetch_all::<WorkflowValue>().await?);
        }
        Ok(found)
    }

    async fn by_payloads<R>(&self, sql: &str, tenant: &str, payloads: &[u64]) -> Result<Vec<R>, StoreError>
    where
        R: clickhouse::RowOwned + clickhouse::RowRead,
    {
        let mut found = Vec::new();
        for some in payloads.chunks(AT_ONCE) {
            let query = self.reader.query_raw(sql).param("tenant", tenant).param("payloads", some);
            found.extend(query.fetch_all::<R>().await?);
        }
        Ok(found)
    }
}

fn replays(block: &mut Block, rows: &[ReplayRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.strings("id", rows.iter().map(|row| row.id.as_str()));
    block.words("kind", rows.iter().map(|row| row.kind.as_str()));
    block.words("state", rows.iter().map(|row| row.state.as_str()));
    block.strings("through", rows.iter().map(|row| row.through.as_str()));
    block.strings("reason", rows.iter().map(|row| row.reason.as_str()));
    block.strings("by", rows.iter().map(|row| row.by.as_str()));
    block.strings("words", rows.iter().map(|row| row.words.as_str()));
    block.strings("options", rows.iter().map(|row| row.options.as_str()));
    block.numbers("selection", rows.iter().map(|row| row.selection));
    block.numbers("count", rows.iter().map(|row| row.count));
    block.millis("oldest_at", rows.iter().map(|row| row.oldest_ms));
    block.strings("value", rows.iter().map(|row| row.value.as_str()));
    block.strings("excluded", rows.iter().map(|row| row.excluded.as_str()));
    block.strings("note", rows.iter().map(|row| row.note.as_str()));
    block.numbers("proven", rows.iter().map(|row| row.proven));
    block.numbers("sent", rows.iter().map(|row| row.sent));
    block.numbers("failed", rows.iter().map(|row| row.failed));
    block.numbers("skipped", rows.iter().map(|row| row.skipped));
    block.millis("created_at", rows.iter().map(|row| row.created_ms));
    block.millis("starts_at", rows.iter().map(|row| row.starts_ms));
    block.millis("started_at", rows.iter().map(|row| row.started_ms));
    block.millis("finished_at", rows.iter().map(|row| row.finished_ms));
    block.strings("again_of", rows.iter().map(|row| row.again_of.as_str()));
    block.numbers("version", rows.iter().map(|row| row.version));
}

fn replay_items(block: &mut Block, rows: &[ReplayItemRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.strings("replay", rows.iter().map(|row| row.replay.as_str()));
    block.numbers("position", rows.iter().map(|row| row.position));
    block.numbers("payload", rows.iter().map(|row| row.payload));
    block.numbers("record", rows.iter().map(|row| row.record));
    block.words("object_type", rows.iter().map(|row| row.object_type.as_str()));
    block.strings("object_id", rows.iter().map(|row| row.object_id.as_str()));
    block.strings("event_id", rows.iter().map(|row| row.event_id.as_str()));
    block.numbers("fingerprint", rows.iter().map(|row| row.fingerprint));
    block.strings("edit", rows.iter().map(|row| row.edit.as_str()));
    block.strings("body", rows.iter().map(|row| row.body.as_str()));
    block.words("state", rows.iter().map(|row| row.state.as_str()));
    block.numbers("attempts", rows.iter().map(|row| row.attempts));
    block.millis("next_at", rows.iter().map(|row| row.next_ms));
    block.words("code", rows.iter().map(|row| row.code.as_str()));
    block.strings("detail", rows.iter().map(|row| row.detail.as_str()));
    block.numbers("status", rows.iter().map(|row| row.status));
    block.words("via", rows.iter().map(|row| row.via.as_str()));
    block.strings("result", rows.iter().map(|row| row.result.as_str()));
    block.strings("trace_id", rows.iter().map(|row| row.trace_id.as_str()));
    block.strings("awaits", rows.iter().map(|row| row.awaits.as_str()));
    block.millis("sent_at", rows.iter().map(|row| row.sent_ms));
    block.millis("due_at", rows.iter().map(|row| row.due_ms));
    block.millis("settled_at", rows.iter().map(|row| row.settled_ms));
    block.numbers("version", rows.iter().map(|row| row.version));
}

fn edits(block: &mut Block, rows: &[EditRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.numbers("payload", rows.iter().map(|row| row.payload));
    block.numbers("record", rows.iter().map(|row| row.record));
    block.strings("id", rows.iter().map(|row| row.id.as_str()));
    block.raw_strings("body", rows.iter().map(|row| row.body.as_slice()));
    block.strings("by", rows.iter().map(|row| row.by.as_str()));
    block.millis("made_at", rows.iter().map(|row| row.made_ms));
    block.strings("problems", rows.iter().map(|row| row.problems.as_str()));
    block.words("rules", rows.iter().map(|row| row.rules.as_str()));
}

fn healed(block: &mut Block, rows: &[HealedRow]) {
    block.words("tenant", rows.iter().map(|row| row.tenant.as_str()));
    block.numbers("payload", rows.iter().map(|row| row.payload));
    block.numbers("record", rows.iter().map(|row| row.record));
    block.numbers("fingerprint", rows.iter().map(|row| row.fingerprint));
    block.strings("replay", rows.iter().map(|row| row.replay.as_str()));
    block.millis("healed_at", rows.iter().map(|row| row.healed_ms));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_name_the_columns_that_the_blocks_have_in_their_order() {
        let check = |insert: Insert, fill: &dyn Fn(&mut Block)| {
            let mut block = Block::new(0);
            fill(&mut block);
            let said = insert.sql.split_once('(').and_then(|(_, rest)| rest.split_once(')')).expect("columns").0;
            let said: Vec<&str> = said.split(',').map(|name| name.trim().trim_matches('`')).collect();
            assert_eq!(said, block.columns(), "{}", insert.table);
        };
        check(insert!("replays"), &|block| replays(block, &[]));
        check(insert!("replay_items"), &|block| replay_items(block, &[]));
        check(insert!("payload_edits"), &|block| edits(block, &[]));
        check(insert!("healed"), &|block| healed(block, &[]));
    }
}
