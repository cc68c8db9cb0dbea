-- How is each system that others call: how many calls in the last hour and day, how many failed, how long they took?
-- One tenant's minutes of one day. Sizes are four a doubling of milliseconds; the caller turns them back.
WITH
    fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC') AS as_of,
    minute > as_of - INTERVAL 1 HOUR AS fresh,
    toUInt64(greatest(0, least(59, 59 - intDiv({as_of_ms:Int64} - toUnixTimestamp64Milli(minute), 60000)))) AS place,
    arrayMap(i -> toUInt64(i = place), range(60)) AS at_place,
    (sizes, share) -> arrayFirst((size, until) -> until >= share * arraySum(mapValues(sizes)),
        arraySort(mapKeys(sizes)), arrayCumSum(arrayMap(size -> sizes[size], arraySort(mapKeys(sizes))))) AS size_at
SELECT
    dependency, arraySort(groupUniqArray(source)) AS callers,
    sumIf(d.calls, fresh) AS hour_calls, sumIf(d.errors, fresh) AS hour_errors,
    sum(d.calls) AS day_calls, sum(d.errors) AS day_errors,
    toUInt8(if(hour_calls = 0, 0, size_at(sumMapIf(d.took, fresh), 0.5))) AS hour_p50,
    toUInt8(if(hour_calls = 0, 0, size_at(sumMapIf(d.took, fresh), 0.95))) AS hour_p95,
    toUInt8(size_at(sumMap(d.took), 0.95)) AS day_p95,
    maxIf(d.took_max_ms, fresh) AS hour_max_ms,
    max(d.last_at) AS last_ms,
    sumForEachIf(arrayMap(p -> p * d.calls, at_place), fresh) AS series,
    sumForEachIf(arrayMap(p -> p * d.errors, at_place), fresh) AS error_series
FROM dependency_minutes AS d
WHERE tenant = {tenant:String} AND minute > as_of - INTERVAL 1 DAY AND minute <= as_of
GROUP BY dependency
ORDER BY dependency
LIMIT 200
