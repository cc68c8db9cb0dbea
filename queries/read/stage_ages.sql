-- Where do the open workflows of a definition stand, by version, and how long have they stood there?
-- One tenant's snapshots; the answer has a row per stage and version. No definition: of all together.
SELECT stage, definition_version AS version, count() AS n, countIf(status = 'breached') AS breached,
    toUnixTimestamp64Milli(min(last_at)) AS oldest_ms, toUnixTimestamp64Milli(quantileExactLow(0.5)(last_at)) AS median_ms
FROM workflows FINAL
WHERE tenant = {tenant:String} AND ({definition:String} = '' OR definition = {definition:String}) AND NOT closed
GROUP BY stage, definition_version
ORDER BY stage, definition_version
