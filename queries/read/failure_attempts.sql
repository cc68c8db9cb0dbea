-- How often has this message failed, by its own id within its source?
-- By the bloom filter of event ids; the newest first.
SELECT tenant, payload, `index`, received_at AS received_ms, stage, code, pointer, expected, found, detail, fingerprint,
    source, event_type, event_id, schema_version, object_type, object_id, offset, attempts, target, step, trace_id
FROM failures
WHERE tenant = {tenant:String} AND source = {failed_source:String} AND event_id = {failed_id:String}
ORDER BY payload DESC, `index` DESC
LIMIT {limit:UInt64}
