-- What stood in the way of clocks that ran out?
-- One tenant's snapshots of some weeks, of one definition or policy where it is named.
SELECT cause, count() AS n, countIf(open) AS still_open
FROM slas FINAL
WHERE tenant = {tenant:String} AND verdict IN ('met_late', 'breached')
    AND due_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    AND ({definition:String} = '' OR definition = {definition:String})
    AND ({policy:String} = '' OR policy = {policy:String})
GROUP BY cause
ORDER BY n DESC, cause
LIMIT 20
