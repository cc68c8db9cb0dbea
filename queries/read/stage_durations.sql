-- How long do workflows of a definition take to each milestone, from the one that they reached before it?
-- One definition's paths of some weeks; neighbours in the path are paired, and the pairs added up per milestone.
SELECT step, count() AS n, toInt64(quantile(0.5)(took)) AS p50_ms, toInt64(quantile(0.95)(took)) AS p95_ms,
    toInt64(sum(took)) AS total_ms
FROM
(
    SELECT steps[place + 1] AS step, times[place + 1] - times[place] AS took
    FROM paths FINAL
    ARRAY JOIN range(1, length(steps)) AS place
    WHERE tenant = {tenant:String} AND definition = {definition:String}
        AND created_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
)
GROUP BY step
ORDER BY total_ms DESC
