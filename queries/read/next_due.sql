-- When does the next open workflow fall due that is not overdue?
-- One column of one tenant's open snapshots.
SELECT toUnixTimestamp64Milli(minOrNull(due_at)) AS due_ms
FROM workflows FINAL
WHERE tenant = {tenant:String} AND NOT closed AND due_at >= fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC')
    AND ({system:String} = '' OR waiting_for = {system:String}) AND ({customer:String} = '' OR customer = {customer:String})
