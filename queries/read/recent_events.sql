-- What came in last? The received_at index leaves only the newest parts to be read.
SELECT tenant, object_type, object_id, toUnixTimestamp64Milli(occurred_at) AS occurred_ms, offset_minutes,
    toUnixTimestamp64Milli(received_at) AS received_ms, event_id, event_type, schema_version, source, system, refs, data,
    trace_id, span_id, payload, index, key_id, content
FROM events
WHERE tenant = {tenant:String} AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64})
ORDER BY received_at DESC, payload DESC, index DESC
LIMIT {limit:UInt64}
