-- At start: what lists are narrowed and ordered by, of every open workflow.
-- Narrow columns of all tenants, streamed.
SELECT tenant, root_type, root_id, definition, status, stage, stage_title, stage_number, waiting_for, customer, amount, currency,
    warehouse, carrier, created_at AS created_ms, updated_at AS updated_ms, due_at AS due_ms, exceptions, readiness, version
FROM workflows FINAL
WHERE NOT closed
