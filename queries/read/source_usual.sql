-- How much does each source usually send at this hour: the same hour of the last four same weekdays, or of the last days
-- where there are no such weeks yet?
-- One tenant's minutes of those hours only; a row a source.
SELECT source,
    groupArrayIf(toUInt64(events_then), days % 7 = 0) AS weeks,
    groupArrayIf(toUInt64(events_then), days <= 6) AS days_before
FROM
(
    WITH
        intDiv({as_of_ms:Int64} - toUnixTimestamp64Milli(minute), 86400000) AS days,
        ({as_of_ms:Int64} - toUnixTimestamp64Milli(minute)) % 86400000 < 3600000 AS same_hour
    SELECT source, days, sum(events + refused) AS events_then
    FROM source_minutes
    WHERE tenant = {tenant:String} AND same_hour AND days BETWEEN 1 AND 28
        AND minute > fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC') - INTERVAL 29 DAY
    GROUP BY source, days
)
GROUP BY source
ORDER BY source
