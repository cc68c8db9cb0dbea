-- What was refused in these payloads?
-- Look-ups by the head of the key.
SELECT tenant, payload, `index`, received_at AS received_ms, stage, code, pointer, expected, found, detail, fingerprint,
    source, event_type, event_id, schema_version, object_type, object_id, offset, attempts, target, step, trace_id
FROM failures
WHERE tenant = {tenant:String} AND payload IN {payloads:Array(UInt64)}
ORDER BY payload, `index`
LIMIT {limit:UInt64}
