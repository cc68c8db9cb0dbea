-- What happened to these objects? The sorting key begins with the object, so only their granules are read. An event
-- that came again after the pipeline had forgotten its id counts once.
SELECT tenant, object_type, object_id, toUnixTimestamp64Milli(occurred_at) AS occurred_ms, offset_minutes,
    toUnixTimestamp64Milli(received_at) AS received_ms, event_id, event_type, schema_version, source, system, refs, data,
    trace_id, span_id, payload, index, key_id, content
FROM events
WHERE tenant = {tenant:String} AND (object_type, object_id) IN arrayZip({types:Array(String)}, {ids:Array(String)})
ORDER BY events.occurred_at, source, event_id
LIMIT 1 BY source, event_id, object_type, object_id
