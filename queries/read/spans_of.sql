-- The spans that name one of these objects, the newest first.
-- The bloom filter on the object's id leaves the granules that may hold one.
SELECT tenant, received_at AS received_ms, payload, trace_id, span_id, parent_span_id, name, kind, service, source, system,
    start AS start_ns, end AS end_ns, status, status_message, object_type, object_id, attributes, events
FROM spans
WHERE tenant = {tenant:String} AND object_id IN {ids:Array(String)}
    AND (object_type, object_id) IN {objects:Array(Tuple(String, String))}
ORDER BY start DESC, trace_id, span_id
LIMIT {limit:UInt64}
