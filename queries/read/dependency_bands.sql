-- How does each dependency do now, and what is its usual band?
-- One tenant's minutes of eight days, along the key. The band comes from the hours before the last one in which it was
-- called often enough to tell: what 19 of 20 of them do not exceed. Sizes are four a doubling of milliseconds.
WITH
    (sizes, share) -> arrayFirst((size, until) -> until >= share * arraySum(mapValues(sizes)),
        arraySort(mapKeys(sizes)), arrayCumSum(arrayMap(size -> sizes[size], arraySort(mapKeys(sizes))))) AS size_at,
    values -> arraySort(values)[toUInt64(ceil(length(values) * 0.95))] AS high
SELECT dependency, sumIf(calls, slot = -2) AS quarter_calls, sumIf(errors, slot = -2) AS quarter_errors,
    sumIf(p95, slot = -2) AS quarter_p95,
    sumIf(calls, slot < 0) AS hour_calls, sumIf(errors, slot < 0) AS hour_errors, maxIf(p95, slot < 0) AS hour_p95,
    countIf(slot >= 0 AND calls >= {enough:UInt64}) AS usual_hours,
    ifNull(high(groupArrayIf(intDiv(errors * 1000000, calls), slot >= 0 AND calls >= {enough:UInt64})), 0) AS usual_errors_ppm,
    ifNull(high(groupArrayIf(p95, slot >= 0 AND calls >= {enough:UInt64})), 0) AS usual_p95
FROM
(
    SELECT dependency,
        multiIf(minute > fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC') - INTERVAL 15 MINUTE, -2,
            minute > fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC') - INTERVAL 1 HOUR, -1,
            toInt64(intDiv(toUnixTimestamp64Milli(minute), 3600000))) AS slot,
        sum(d.calls) AS calls, sum(d.errors) AS errors, toUInt64(size_at(sumMap(d.took), 0.95)) AS p95
    FROM dependency_minutes AS d
    WHERE tenant = {tenant:String} AND minute > fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC') - INTERVAL 8 DAY
        AND minute <= fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC')
    GROUP BY dependency, slot
)
GROUP BY dependency
ORDER BY dependency
LIMIT 200
