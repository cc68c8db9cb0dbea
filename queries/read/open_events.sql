-- At start: every event of an object that is held or belongs to a workflow that is not closed, of all tenants.
-- The set of objects is built once in the server's memory and used on the key; events stream by in its order.
SELECT tenant, object_type, object_id, occurred_at AS occurred_ms, offset_minutes, received_at AS received_ms, event_id,
    event_type, schema_version, source, system, refs, data, trace_id, span_id, payload, `index`, key_id, content
FROM events
WHERE (tenant, object_type, object_id) IN
    (
        SELECT tenant, splitByChar('/', member)[1] AS object_type, substring(member, position(member, '/') + 1) AS object_id
        FROM workflows FINAL
        ARRAY JOIN members AS member
        WHERE NOT closed
        UNION ALL
        SELECT tenant, object_type, object_id
        FROM objects FINAL
        WHERE held OR (same_as != '' AND (tenant, same_as) IN
            (SELECT tenant, concat(object_type, '/', object_id) FROM objects FINAL WHERE held))
    )
ORDER BY tenant, object_type, object_id, occurred_at, event_id
