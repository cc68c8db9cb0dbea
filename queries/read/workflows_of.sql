-- The snapshots of these workflows, by their root objects.
-- Look-ups by the beginning of the key.
SELECT tenant, definition, definition_version, root_type, root_id, status, stage, stage_title, stage_number, stage_count,
    next, next_title, waiting_for, customer, amount, currency, priority, warehouse, carrier,
    created_at AS created_ms, updated_at AS updated_ms, closed, last_type, last_system, last_at AS last_ms,
    due_at AS due_ms, warn_at AS warn_ms, sla, blocked_code, blocked_what, exceptions, readiness, members, wakes_at AS wakes_ms,
    mark, version
FROM workflows FINAL
WHERE tenant = {tenant:String} AND (root_type, root_id) IN {objects:Array(Tuple(String, String))}
ORDER BY root_type, root_id, definition
LIMIT {limit:UInt64}
