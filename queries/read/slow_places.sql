-- Where is a milestone reached slowest: by warehouse and by carrier?
-- As stage_durations, split by place; only places with enough of them to tell.
SELECT step, kind, place, count() AS n, toInt64(quantile(0.5)(took)) AS p50_ms, toInt64(quantile(0.95)(took)) AS p95_ms
FROM
(
    SELECT steps[at + 1] AS step, times[at + 1] - times[at] AS took, who.1 AS kind, who.2 AS place
    FROM paths FINAL
    ARRAY JOIN range(1, length(steps)) AS at
    ARRAY JOIN [('warehouse', toString(warehouse)), ('carrier', toString(carrier))] AS who
    WHERE tenant = {tenant:String} AND definition = {definition:String}
        AND created_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
)
WHERE place != ''
GROUP BY step, kind, place
HAVING n >= 5
ORDER BY p95_ms DESC
LIMIT 400
