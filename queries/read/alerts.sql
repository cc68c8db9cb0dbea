-- Which alerts are there, those that still run first, the newest first?
-- One tenant's snapshots; few rows.
SELECT tenant, key, route, title, severity, toString(state) AS state, round, opened_at AS opened_ms, changed_at AS changed_ms,
    exceptions, told, version
FROM alerts FINAL
WHERE tenant = {tenant:String}
ORDER BY state = 'resolved', changed_at DESC, key
LIMIT {limit:UInt64}
