-- At start: what the queue is narrowed and ordered by, of every exception that is not closed.
-- Narrow columns of all tenants, streamed.
SELECT tenant, id, root_type, root_id, kind, severity, system, feeds, since AS since_ms, known_at AS known_ms, state, owner, team, reason,
    resolve_by AS resolve_by_ms, customer, warehouse, carrier, orders, amount, currency, version
FROM exceptions FINAL
WHERE NOT closed
