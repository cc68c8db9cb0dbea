-- What is the latest snapshot of the workflow of one root object? A lookup by key.
SELECT tenant, root_type, root_id, definition, definition_version, status, stage, stage_title, stage_number, stage_count,
    next, next_title, waiting_for, customer, amount, currency, priority, warehouse, carrier,
    toUnixTimestamp64Milli(created_at) AS created_ms, toUnixTimestamp64Milli(updated_at) AS updated_ms, closed,
    last_type, last_system, toUnixTimestamp64Milli(last_at) AS last_ms,
    toUnixTimestamp64Milli(due_at) AS due_ms, toUnixTimestamp64Milli(warn_at) AS warn_ms,
    sla, blocked_code, blocked_what, exceptions, readiness, members, version
FROM workflows FINAL
WHERE tenant = {tenant:String} AND root_type = {root_type:String} AND root_id = {root_id:String}
