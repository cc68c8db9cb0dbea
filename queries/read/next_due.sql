-- What falls due next?
-- One tenant's open snapshots; what is overdue already is in the breached list instead.
SELECT tenant, definition, definition_version, root_type, root_id, status, stage, stage_title, stage_number, stage_count,
    next, next_title, waiting_for, customer, amount, currency, priority, warehouse, carrier,
    created_at AS created_ms, updated_at AS updated_ms, closed, last_type, last_system, last_at AS last_ms,
    due_at AS due_ms, warn_at AS warn_ms, sla, blocked_code, blocked_what, exceptions, readiness, members, version
FROM workflows FINAL
WHERE tenant = {tenant:String} AND NOT closed AND due_at >= fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC')
ORDER BY due_at, root_type, root_id, definition
LIMIT {limit:UInt64}
