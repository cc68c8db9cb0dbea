-- How many clocks of each policy run now, and how do they stand?
-- One tenant's open snapshots.
SELECT definition, policy, countIf(verdict = 'open') AS on_track, countIf(verdict = 'at_risk') AS at_risk,
    countIf(verdict = 'breached') AS breached, min(due_at) AS next_ms
FROM slas FINAL
WHERE tenant = {tenant:String} AND open
GROUP BY definition, policy
ORDER BY definition, policy
