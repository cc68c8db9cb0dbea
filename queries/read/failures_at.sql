-- What do these failed records say?
-- Look-ups by the whole key.
SELECT tenant, payload, `index`, received_at AS received_ms, stage, code, pointer, expected, found, detail, fingerprint,
    source, event_type, event_id, schema_version, object_type, object_id, offset, attempts, target, step, trace_id
FROM failures
WHERE tenant = {tenant:String} AND (payload, `index`) IN {places:Array(Tuple(UInt64, UInt32))}
