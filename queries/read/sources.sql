-- How is each source: what came in the last hour and day, how late, how regularly?
-- One tenant's minutes of one day: merged, 1,440 rows a source and form. The series is the last 60 minutes, oldest first.
-- How late it is now is told by the last minute that had events: an hour also holds what was loaded or caught up with.
-- What was loaded as history tells no lag; how many events do is counted too.
-- The usual gap is the one that 95 in 100 pauses between two minutes with events do not exceed.
WITH
    fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC') AS as_of,
    minute > as_of - INTERVAL 1 HOUR AS fresh,
    toUInt64(greatest(0, least(59, 59 - intDiv({as_of_ms:Int64} - toUnixTimestamp64Milli(minute), 60000)))) AS place,
    arrayMap(i -> toUInt64(i = place), range(60)) AS at_place,
    arraySort(groupUniqArrayIf(toUnixTimestamp64Milli(minute), m.events > 0)) AS active,
    arrayPopFront(arrayDifference(active)) AS gaps,
    (sizes, share) -> arrayFirst((size, until) -> until >= share * arraySum(mapValues(sizes)),
        arraySort(mapKeys(sizes)), arrayCumSum(arrayMap(size -> sizes[size], arraySort(mapKeys(sizes))))) AS size_at
SELECT
    source, argMax(system, m.last_at) AS system, arraySort(groupUniqArray(form)) AS forms,
    sumIf(m.events, fresh) AS hour_events, sumIf(m.records, fresh) AS hour_records,
    sumIf(m.duplicates, fresh) AS hour_duplicates, sumIf(m.refused, fresh) AS hour_refused, sumIf(m.errors, fresh) AS hour_errors,
    sum(m.events) AS day_events, sum(m.records) AS day_records, sum(m.duplicates) AS day_duplicates,
    sum(m.refused) AS day_refused, sum(m.errors) AS day_errors, sum(m.bytes) AS day_bytes,
    if(hour_events = 0, 0, intDiv(sumIf(m.lag_sum_ms, fresh), toInt64(hour_events))) AS hour_lag_avg_ms,
    maxIf(m.lag_max_ms, fresh) AS hour_lag_max_ms,
    if(day_events = 0, 0, intDiv(sum(m.lag_sum_ms), toInt64(day_events))) AS day_lag_avg_ms,
    max(m.last_at) AS last_ms,
    sumForEachIf(arrayMap(p -> p * m.events, at_place), fresh) AS series,
    sumForEachIf(arrayMap(p -> p * m.refused, at_place), fresh) AS refused_series,
    if(empty(gaps), 0, arraySort(gaps)[toUInt64(ceil(length(gaps) * 0.95))]) AS usual_gap_ms,
    arraySort(groupUniqArrayArray(m.contracts)) AS contracts,
    toUInt8(size_at(sumMapIf(m.lags, fresh), 0.5)) AS hour_lag_p50, toUInt8(size_at(sumMapIf(m.lags, fresh), 0.95)) AS hour_lag_p95,
    arraySum(mapValues(sumMapIf(m.lags, fresh))) AS hour_lagged,
    toUInt8(size_at(argMaxIf(m.lags, m.minute, fresh AND notEmpty(m.lags)), 0.5)) AS now_lag_p50,
    sumIf(m.late, fresh) AS hour_late, sumIf(m.ahead, fresh) AS hour_ahead, maxIf(m.ahead_max_ms, fresh) AS hour_ahead_max_ms
FROM source_minutes AS m
WHERE tenant = {tenant:String} AND minute > as_of - INTERVAL 1 DAY
GROUP BY source
ORDER BY source
