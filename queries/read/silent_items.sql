-- Which items of replays of all tenants have shown no effect in time, that may still come?
-- Once at a start. Read without FINAL first: of few items there is a row in that state at all.
SELECT tenant, replay, position, payload, record, object_type, object_id, event_id, fingerprint, edit, body, state, attempts,
    next_at AS next_ms, code, detail, status, via, result, trace_id, awaits, sent_at AS sent_ms, due_at AS due_ms,
    settled_at AS settled_ms, version
FROM replay_items FINAL
WHERE (tenant, replay) IN
    (
        SELECT tenant, replay
        FROM replay_items
        WHERE state = 'no_effect' AND settled_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    )
    AND state = 'no_effect' AND settled_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
ORDER BY settled_at DESC, tenant, replay, position
LIMIT {limit:UInt64}
