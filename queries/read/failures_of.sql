-- What was refused in this payload?
-- A look-up by the head of the key.
SELECT tenant, payload, `index`, received_at AS received_ms, stage, code, pointer, expected, found, detail, fingerprint,
    source, event_type, event_id, schema_version, object_type, object_id, offset, attempts, target, step, trace_id
FROM failures
WHERE tenant = {tenant:String} AND payload = {payload:UInt64}
ORDER BY `index`
LIMIT {limit:UInt64}
