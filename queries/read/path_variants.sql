-- Which ways do workflows of a definition take: the milestones in the order in which they were reached?
-- One definition's closed paths of some weeks, the most frequent ways first; `total` counts all of them.
SELECT steps AS way, count() AS n, toInt64(quantile(0.5)(times[-1] - times[1])) AS p50_ms,
    toInt64(quantile(0.95)(times[-1] - times[1])) AS p95_ms, sum(count()) OVER () AS total
FROM paths FINAL
WHERE tenant = {tenant:String} AND definition = {definition:String} AND closed AND notEmpty(steps)
    AND created_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
GROUP BY way
ORDER BY n DESC, way
LIMIT 10
