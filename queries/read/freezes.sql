-- Which lists of a tenant were frozen, the newest first? A row a freeze; there are few.
SELECT list, frozen_at AS frozen_ms, person, rows
FROM freezes FINAL
WHERE tenant = {tenant:String}
ORDER BY frozen_at DESC, list
LIMIT {limit:UInt64}
