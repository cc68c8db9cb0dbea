-- What do held objects wait for, how many, since when? Reads snapshots.
SELECT waits_for, count() AS objects, sum(objects.events) AS events, toUnixTimestamp64Milli(min(held_since)) AS oldest_ms
FROM objects FINAL
WHERE tenant = {tenant:String} AND held
GROUP BY waits_for
ORDER BY oldest_ms, waits_for
LIMIT {limit:UInt64}
