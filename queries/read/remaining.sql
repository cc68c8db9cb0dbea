-- From each milestone, how long did it take to those that SLAs wait for? By what makes workflows alike: nothing, carrier,
-- warehouse, lane, all three, and all three with the time of day. Asked every few minutes, for all forecasts at once.
-- Reads the newest paths of one tenant only; what happened too seldom to tell anything is left out.
SELECT definition, from_step, to_step, alike, toUInt32(count()) AS n,
    arrayMap(q -> toInt64(q), quantiles(0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)(took)) AS quantiles
FROM
(
    SELECT definition, steps[place] AS from_step, steps[target] AS to_step, times[target] - times[place] AS took,
        concat('carrier ', carrier, ', warehouse ', warehouse, ', lane ', lane) AS all_three,
        arrayJoin(['', concat('carrier ', carrier), concat('warehouse ', warehouse), concat('lane ', lane), all_three,
            concat(all_three, ', ', toString(intDiv(intDiv(times[place], 3600000) % 24, 4) * 4), ' h')]) AS alike
    FROM
    (
        SELECT definition, carrier, warehouse, lane, steps, times, arrayJoin(range(1, length(steps))) AS place,
            arrayJoin(arrayFilter(t -> has({targets:Array(String)}, steps[t]), range(place + 1, length(steps) + 1))) AS target
        FROM
        (
            SELECT definition, carrier, warehouse, lane, steps, times FROM paths FINAL
            WHERE tenant = {tenant:String} AND created_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
                AND created_at < fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC')
            ORDER BY created_at DESC
            LIMIT 50000
        )
    )
)
GROUP BY definition, from_step, to_step, alike
HAVING n >= 10
