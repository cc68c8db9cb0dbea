-- Which objects have this number, whatever their type? For searching.
SELECT tenant, object_type, object_id, state, events, toUnixTimestamp64Milli(first_at) AS first_ms,
    toUnixTimestamp64Milli(last_at) AS last_ms, last_type, last_source, last_system, held,
    toUnixTimestamp64Milli(held_since) AS held_since_ms, waits_for, links, workflows, version
FROM objects FINAL
WHERE tenant = {tenant:String} AND object_id = {id:String}
ORDER BY object_type
LIMIT 20
