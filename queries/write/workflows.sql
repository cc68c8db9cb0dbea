-- A snapshot of every workflow that the flush touched. The block itself follows; store/write.rs fills the same columns in the same order.
INSERT INTO workflows
    (tenant, root_type, root_id, definition, definition_version, status, stage, stage_title,
    stage_number, stage_count, next, next_title, waiting_for, customer, amount, currency, priority,
    warehouse, carrier, created_at, updated_at, closed, last_type, last_system, last_at, due_at,
    warn_at, sla, blocked_code, blocked_what, exceptions, readiness, members, wakes_at, mark, version)
FORMAT Native
