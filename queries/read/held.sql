-- Which objects hang from nothing, the longest waiting first? Reads snapshots.
SELECT tenant, object_type, object_id, state, events, toUnixTimestamp64Milli(first_at) AS first_ms,
    toUnixTimestamp64Milli(last_at) AS last_ms, last_type, last_source, last_system, held,
    toUnixTimestamp64Milli(held_since) AS held_since_ms, waits_for, links, workflows, version
FROM objects FINAL
WHERE tenant = {tenant:String} AND held
    AND ({waits_for:String} = '' OR waits_for = {waits_for:String})
    AND (toUnixTimestamp64Milli(held_since), object_type, object_id) > ({after_ms:Int64}, {after_type:String}, {after_id:String})
ORDER BY held_since, object_type, object_id
LIMIT {limit:UInt64}
