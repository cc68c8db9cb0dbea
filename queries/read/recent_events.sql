-- What came in last?
-- The index on our own receive time leaves only the granules since `since_ms`; the caller begins with the last minutes
-- and goes further back only when they hold too little.
SELECT tenant, object_type, object_id, occurred_at AS occurred_ms, offset_minutes, received_at AS received_ms, event_id,
    event_type, schema_version, source, system, refs, data, trace_id, span_id, payload, `index`, key_id, content
FROM events
WHERE tenant = {tenant:String} AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    AND ({system:String} = '' OR system = {system:String})
ORDER BY received_at DESC, payload DESC, `index` DESC
LIMIT {limit:UInt64}
