-- How did one source do over the last day: rate, errors, lag, beside what is usual at that time of the week?
-- One source's minutes of five weeks by quarter hours, along the key.
WITH
    intDiv(toUnixTimestamp64Milli(minute), 900000) * 900000 AS slot,
    intDiv({as_of_ms:Int64} - slot, 86400000) AS days,
    (sizes, share) -> arrayFirst((size, until) -> until >= share * arraySum(mapValues(sizes)),
        arraySort(mapKeys(sizes)), arrayCumSum(arrayMap(size -> sizes[size], arraySort(mapKeys(sizes))))) AS size_at
SELECT
    toInt64(slot + days * 86400000) AS slot_ms, toInt64(days) AS days_ago,
    sum(s.events) AS events, sum(s.refused) AS refused, sum(s.duplicates) AS duplicates, sum(s.late) AS late,
    toUInt8(size_at(sumMap(s.lags), 0.5)) AS lag_p50, toUInt8(size_at(sumMap(s.lags), 0.95)) AS lag_p95
FROM source_minutes AS s
WHERE tenant = {tenant:String} AND source = {of_source:String}
    AND minute > fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC') - INTERVAL 29 DAY
    AND minute <= fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC')
    AND (days = 0 OR days % 7 = 0)
GROUP BY slot_ms, days_ago
ORDER BY slot_ms, days_ago
LIMIT 1000
