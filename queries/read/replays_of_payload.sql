-- Which replays had this payload, the newest first, and what came of it?
-- By the bloom filter on the payload.
SELECT tenant, replay, position, payload, record, object_type, object_id, event_id, fingerprint, edit, body, state, attempts,
    next_at AS next_ms, code, detail, status, via, result, trace_id, awaits, sent_at AS sent_ms, due_at AS due_ms,
    settled_at AS settled_ms, version
FROM replay_items FINAL
WHERE tenant = {tenant:String} AND payload = {payload:UInt64}
ORDER BY replay DESC, position
LIMIT {limit:UInt64}
