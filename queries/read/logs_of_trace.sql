-- The log records that were written within a trace, in their order.
-- The bloom filter on the trace leaves the granules that may hold one.
SELECT tenant, received_at AS received_ms, payload, trace_id, span_id, time AS time_ns, severity, service, source, body,
    object_type, object_id, attributes
FROM logs
WHERE tenant = {tenant:String} AND trace_id = {trace_id:String}
ORDER BY time
LIMIT {limit:UInt64}
