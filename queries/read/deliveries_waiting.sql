-- At start: which deliveries are still to be made, of all tenants?
-- The log is small, and few rows of it wait.
SELECT tenant, id, alert, receiver, channel, action, subject, state, attempts, created_at AS created_ms,
    tried_at AS tried_ms, next_at AS next_ms, answer, notice, version
FROM deliveries FINAL
WHERE state = 'waiting'
ORDER BY created_at, id
