-- Which lists of a tenant were frozen, the newest first? A row a freeze; there are few, and copies
-- older than `since_ms` are gone.
SELECT list, frozen_at AS frozen_ms, person, rows
FROM freezes FINAL
WHERE tenant = {tenant:String} AND frozen_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
ORDER BY frozen_at DESC, list
LIMIT {limit:UInt64}
