-- All spans of a trace, in the order of their beginning.
-- The trace leads the key.
SELECT tenant, received_at AS received_ms, payload, trace_id, span_id, parent_span_id, name, kind, service, source, system,
    start AS start_ns, end AS end_ns, status, status_message, object_type, object_id, attributes, events
FROM spans
WHERE tenant = {tenant:String} AND trace_id = {trace_id:String}
ORDER BY start, span_id
LIMIT {limit:UInt64}
