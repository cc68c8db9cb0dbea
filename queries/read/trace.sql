-- Which spans make up one trace? The sorting key begins with it.
SELECT tenant, trace_id, span_id, parent_span_id, name, kind, service, source, system,
    toUnixTimestamp64Nano(start) AS start_ns, toUnixTimestamp64Nano(end) AS end_ns, status, status_message,
    object_type, object_id, attributes, events, toUnixTimestamp64Milli(received_at) AS received_ms, payload
FROM spans
WHERE tenant = {tenant:String} AND trace_id = {trace_id:String}
ORDER BY start, span_id
LIMIT 1 BY span_id
LIMIT 2000
