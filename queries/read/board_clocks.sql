-- How do the clocks of some days stand: which are due today and done, how were they kept by day, what stood in the way lately?
-- One pass over narrow columns of one tenant's clocks. A clock counts on the day on which it ended or fell due, whichever
-- came first; days are counted from the moment at which the first begins. The answer has some hundred rows.
WITH least(due_at, ifNull(ended_at, due_at)) AS told, toUnixTimestamp64Milli(due_at) AS due_ms
SELECT toInt64(intDiv(toUnixTimestamp64Milli(told) - {since_ms:Int64}, 86400000)) AS day,
    due_ms >= {today_ms:Int64} AND due_ms < {tomorrow_ms:Int64} AS today, verdict, open,
    if(due_ms >= {late_since_ms:Int64} AND verdict IN ('met_late', 'breached'), cause, '') AS late_cause, count() AS n
FROM slas FINAL
WHERE tenant = {tenant:String} AND verdict NOT IN ('gone', 'cancelled')
    AND ({system:String} = '' OR system = {system:String}) AND ({customer:String} = '' OR customer = {customer:String})
    AND told < fromUnixTimestamp64Milli({tomorrow_ms:Int64}, 'UTC')
    AND (told >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC') OR due_ms >= {today_ms:Int64})
GROUP BY day, today, verdict, open, late_cause
ORDER BY day, today, verdict, open, late_cause
