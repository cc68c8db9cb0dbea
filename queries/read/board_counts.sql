-- All that the board counts of open workflows: how many there are by stage and status, and how many of them are ready.
-- One pass over narrow columns of one tenant's snapshots; the answer has a row per stage and status.
SELECT definition, stage, any(stage_title) AS title, any(stage_number) AS number, status, count() AS n,
    countIf(readiness = 'ready') AS ready
FROM workflows FINAL
WHERE tenant = {tenant:String} AND NOT closed
    AND ({system:String} = '' OR waiting_for = {system:String}) AND ({customer:String} = '' OR customer = {customer:String})
GROUP BY definition, stage, status
ORDER BY definition, number, stage, status
