-- How long did it take from one milestone to another: the middle and the slow end, by the week in which it ended?
-- Snapshots of paths of one definition; a row a week and pair. Pairs that a workflow has not finished do not count.
SELECT toStartOfWeek(fromUnixTimestamp64Milli(ended, 'UTC'), 1) AS week, pair, count() AS n,
    quantile(0.5)(took) AS p50, quantile(0.95)(took) AS p95
FROM
(
    SELECT pair, if({from_step:Array(String)}[pair] = '', toUnixTimestamp64Milli(created_at),
            times[indexOf(steps, {from_step:Array(String)}[pair])]) AS began,
        times[indexOf(steps, {to_step:Array(String)}[pair])] AS ended, toFloat64(ended - began) AS took
    FROM paths FINAL
    ARRAY JOIN arrayEnumerate({to_step:Array(String)}) AS pair
    WHERE tenant = {tenant:String} AND ({definition:String} = '' OR definition = {definition:String})
        AND ({customer:String} = '' OR customer = {customer:String})
        AND ({warehouse:String} = '' OR warehouse = {warehouse:String})
        AND ({carrier:String} = '' OR carrier = {carrier:String})
)
WHERE began > 0 AND ended >= greatest(began, {from_ms:Int64})
GROUP BY week, pair
ORDER BY week, pair
