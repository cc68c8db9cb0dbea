-- At start: what the worklist of finance is narrowed, ordered and added up by, of everything that is not settled.
-- Narrow columns of all tenants, streamed.
SELECT tenant, root_type, root_id, object_type, object_id, state, reasons, system, customer, carrier, amount, currency,
    delivered_at AS delivered_ms, version
FROM readiness FINAL
WHERE state IN ('not_due', 'blocked', 'ready', 'wrong')
