-- What is waited for: how many objects wait for a link of each type, with how many events, since when?
-- One tenant's object snapshots, narrow columns; a row per type of what is missing.
SELECT splitByChar('/', waits_for)[1] AS missing, count() AS objects, sum(toUInt64(events)) AS events, min(held_since) AS oldest_ms,
    argMin(object_type, (held_since, object_type, object_id)) AS oldest_type,
    argMin(object_id, (held_since, object_type, object_id)) AS oldest_id
FROM objects FINAL
WHERE tenant = {tenant:String} AND held
GROUP BY missing
ORDER BY objects DESC, missing
