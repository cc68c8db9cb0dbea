-- How does the workflow of this object stand?
-- The root leads the key, so this reads a granule. An object that is the root of two gives the one changed last.
SELECT tenant, definition, definition_version, root_type, root_id, status, stage, stage_title, stage_number, stage_count,
    next, next_title, waiting_for, customer, amount, currency, priority, warehouse, carrier,
    created_at AS created_ms, updated_at AS updated_ms, closed, last_type, last_system, last_at AS last_ms,
    due_at AS due_ms, warn_at AS warn_ms, sla, blocked_code, blocked_what, exceptions, readiness, members, wakes_at AS wakes_ms,
    mark, version
FROM workflows FINAL
WHERE tenant = {tenant:String} AND root_type = {object_type:String} AND root_id = {object_id:String}
ORDER BY version DESC
LIMIT 1
