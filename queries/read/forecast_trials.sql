-- Workflows that came after those a forecast was made from: for each step, how long it took to those that SLAs wait for.
-- The forecast is tried on them. The newest of one tenant, with a limit.
SELECT definition, carrier, warehouse, lane, steps[place] AS from_step, times[place] AS from_ms, steps[target] AS to_step,
    times[target] - times[place] AS took_ms
FROM
(
    SELECT definition, carrier, warehouse, lane, steps, times, arrayJoin(range(1, length(steps))) AS place,
        arrayJoin(arrayFilter(t -> has({targets:Array(String)}, steps[t]), range(place + 1, length(steps) + 1))) AS target
    FROM paths FINAL
    WHERE tenant = {tenant:String} AND created_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
)
ORDER BY from_ms DESC, from_step, to_step
LIMIT {limit:UInt64}
