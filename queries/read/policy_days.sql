-- How were clocks kept, by policy and day? A clock counts on the day on which it ended or fell due, whichever came first.
-- One tenant's snapshots of some weeks, added up; pages make weeks of the days.
SELECT definition, policy, toInt64(intDiv(toUnixTimestamp64Milli(least(due_at, ifNull(ended_at, due_at))), 86400000)) AS day,
    countIf(verdict IN ('met', 'withdrawn')) AS met, countIf(verdict IN ('met_late', 'breached')) AS late,
    countIf(verdict = 'waived') AS waived
FROM slas FINAL
WHERE tenant = {tenant:String} AND verdict IN ('met', 'withdrawn', 'met_late', 'breached', 'waived')
    AND least(due_at, ifNull(ended_at, due_at)) >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
GROUP BY definition, policy, day
ORDER BY definition, policy, day
