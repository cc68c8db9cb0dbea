-- Where are the open workflows: how many at each stage, of which status?
-- One tenant's snapshots; the answer has a row per stage and status.
SELECT definition, stage, any(stage_title) AS title, any(stage_number) AS number, status, count() AS n
FROM workflows FINAL
WHERE tenant = {tenant:String} AND NOT closed
GROUP BY definition, stage, status
ORDER BY definition, number, stage, status
