-- What happened to everything that is open: members of open workflows, and what is held? Streamed at a start.
SELECT tenant, object_type, object_id, toUnixTimestamp64Milli(occurred_at) AS occurred_ms, offset_minutes,
    toUnixTimestamp64Milli(received_at) AS received_ms, event_id, event_type, schema_version, source, system, refs, data,
    trace_id, span_id, payload, index, key_id, content
FROM events
WHERE (tenant, concat(object_type, '/', object_id)) IN (
    SELECT tenant, arrayJoin(members) FROM workflows FINAL WHERE NOT closed
    UNION ALL
    SELECT tenant, concat(object_type, '/', object_id) FROM objects FINAL WHERE held OR empty(workflows)
)
