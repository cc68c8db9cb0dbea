-- How many open workflows stand at each stage, by status? One pass over the open snapshots of a tenant.
SELECT definition, stage, stage_title, stage_number, status, count() AS count
FROM workflows FINAL
WHERE tenant = {tenant:String} AND (NOT closed OR updated_at > fromUnixTimestamp64Milli({closed_since_ms:Int64}))
GROUP BY definition, stage, stage_title, stage_number, status
ORDER BY definition, stage_number, status
