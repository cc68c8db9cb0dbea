-- What was refused of one payload? A lookup by key.
SELECT tenant, payload, index, toUnixTimestamp64Milli(received_at) AS received_ms, stage, code, pointer, expected, found,
    detail, fingerprint, source, event_type, event_id, schema_version, object_type, object_id
FROM failures
WHERE tenant = {tenant:String} AND payload = {payload:UInt64}
ORDER BY index
LIMIT 1000
