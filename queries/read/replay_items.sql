-- What did the items of this replay come to, in its order, from a position on?
-- One job's rows, by the head of the key.
SELECT tenant, replay, position, payload, record, object_type, object_id, event_id, fingerprint, edit, body, state, attempts,
    next_at AS next_ms, code, detail, status, via, result, trace_id, awaits, sent_at AS sent_ms, due_at AS due_ms,
    settled_at AS settled_ms, version
FROM replay_items FINAL
WHERE tenant = {tenant:String} AND replay = {replay:String} AND position >= {from_position:UInt32}
    AND (empty({states:Array(String)}) OR has({states:Array(String)}, state))
ORDER BY position
LIMIT {limit:UInt64}
