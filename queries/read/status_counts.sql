-- How many open workflows are there of each status?
-- One tenant's snapshots, two narrow columns.
SELECT status, count() AS n
FROM workflows FINAL
WHERE tenant = {tenant:String} AND NOT closed
GROUP BY status
ORDER BY status
