-- Items of replays as they stand now. The block itself follows; store/replays.rs fills the same columns in the same order.
INSERT INTO replay_items
    (tenant, replay, position, payload, record, object_type, object_id, event_id, fingerprint, edit, body, state,
    attempts, next_at, code, detail, status, via, result, trace_id, awaits, sent_at, due_at, settled_at, version)
FORMAT Native
