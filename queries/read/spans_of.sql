-- Which spans name one of these objects, newest first? Answered by the bloom filter on object_id.
SELECT tenant, trace_id, span_id, parent_span_id, name, kind, service, source, system,
    toUnixTimestamp64Nano(start) AS start_ns, toUnixTimestamp64Nano(end) AS end_ns, status, status_message,
    object_type, object_id, attributes, events, toUnixTimestamp64Milli(received_at) AS received_ms, payload
FROM spans
WHERE tenant = {tenant:String} AND (object_type, object_id) IN arrayZip({types:Array(String)}, {ids:Array(String)})
ORDER BY start DESC, span_id
LIMIT {limit:UInt64}
