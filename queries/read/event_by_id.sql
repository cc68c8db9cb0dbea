-- Which events have this id? Answered by the bloom filter on event_id.
SELECT tenant, object_type, object_id, toUnixTimestamp64Milli(occurred_at) AS occurred_ms, offset_minutes,
    toUnixTimestamp64Milli(received_at) AS received_ms, event_id, event_type, schema_version, source, system, refs, data,
    trace_id, span_id, payload, index, key_id, content
FROM events
WHERE tenant = {tenant:String} AND event_id = {event_id:String}
ORDER BY events.received_at
LIMIT 20
