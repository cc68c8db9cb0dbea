-- How did one dependency do over the last day: calls, errors, how long they took?
-- One dependency's minutes of a day by quarter hours, along the key.
WITH
    intDiv(toUnixTimestamp64Milli(minute), 900000) * 900000 AS slot,
    (sizes, share) -> arrayFirst((size, until) -> until >= share * arraySum(mapValues(sizes)),
        arraySort(mapKeys(sizes)), arrayCumSum(arrayMap(size -> sizes[size], arraySort(mapKeys(sizes))))) AS size_at
SELECT
    toInt64(slot) AS slot_ms, toInt64(0) AS days_ago,
    sum(s.calls) AS events, sum(s.errors) AS refused, toUInt64(0) AS duplicates, toUInt64(0) AS late,
    toUInt8(size_at(sumMap(s.took), 0.5)) AS lag_p50, toUInt8(size_at(sumMap(s.took), 0.95)) AS lag_p95
FROM dependency_minutes AS s
WHERE tenant = {tenant:String} AND dependency = {of_dependency:String}
    AND minute > fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC') - INTERVAL 1 DAY
    AND minute <= fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC')
GROUP BY slot_ms
ORDER BY slot_ms
LIMIT 1000
