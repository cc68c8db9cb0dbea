-- Everything that was said about these objects, in the order in which it happened.
-- Objects lead the key; each costs a granule in each month.
SELECT tenant, object_type, object_id, occurred_at AS occurred_ms, offset_minutes, received_at AS received_ms, event_id,
    event_type, schema_version, source, system, refs, data, trace_id, span_id, payload, `index`, key_id, content
FROM events
WHERE tenant = {tenant:String} AND (object_type, object_id) IN {objects:Array(Tuple(String, String))}
ORDER BY occurred_at, source, event_id
LIMIT {limit:UInt64}
