-- Which events came in one payload? Found by the payload's time of receipt.
SELECT tenant, object_type, object_id, toUnixTimestamp64Milli(occurred_at) AS occurred_ms, offset_minutes,
    toUnixTimestamp64Milli(received_at) AS received_ms, event_id, event_type, schema_version, source, system, refs, data,
    trace_id, span_id, payload, index, key_id, content
FROM events
WHERE tenant = {tenant:String} AND payload = {payload:UInt64}
    AND received_at = (SELECT any(payloads.received_at) FROM payloads WHERE tenant = {tenant:String} AND payload = {payload:UInt64})
ORDER BY index
LIMIT 1000
