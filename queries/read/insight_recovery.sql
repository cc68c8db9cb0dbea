-- How long did failed transactions take to recover, by the week in which they did, and how many have not?
-- Snapshots of exceptions of the kinds asked for; a row a week, and one for the first day of time with the open ones.
SELECT if(closed, toStartOfWeek(assumeNotNull(closed_at), 1), toDate(0)) AS week, count() AS n,
    quantilesExactInclusive(0.5, 0.95)(took)[1] AS p50, quantilesExactInclusive(0.5, 0.95)(took)[2] AS p95
FROM
(
    SELECT closed, closed_at, if(closed, greatest(0., toFloat64(toUnixTimestamp64Milli(assumeNotNull(closed_at)) - toUnixTimestamp64Milli(since))), 0.) AS took
    FROM exceptions FINAL
    WHERE tenant = {tenant:String} AND kind IN {kinds:Array(String)}
        AND ({customer:String} = '' OR customer = {customer:String})
        AND ({warehouse:String} = '' OR warehouse = {warehouse:String})
        AND ({carrier:String} = '' OR carrier = {carrier:String})
        AND (NOT closed OR closed_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
)
GROUP BY week
ORDER BY week
