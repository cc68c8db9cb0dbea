-- At start: what lists of clocks are narrowed and ordered by, of every clock that is not ended.
-- Narrow columns of all tenants, streamed.
SELECT tenant, root_type, root_id, definition, policy, object_type, object_id, kind, system, customer, warehouse, carrier,
    due_at AS due_ms, ended_at AS ended_ms, verdict, first_verdict, cause, version
FROM slas FINAL
WHERE open
