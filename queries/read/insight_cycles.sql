-- How long did it take: from proof to invoice (1), from ready to invoice (2), from the beginning to delivery (3) and to
-- payment (4)? The middle and the slow end, by the week in which it ended; a row a week and question.
-- Narrow columns of the paths of one definition; what it has not come to does not count.
SELECT toStartOfWeek(fromUnixTimestamp64Milli(ended, 'UTC'), 1) AS week, question, count() AS n,
    quantilesExactInclusive(0.5, 0.95)(toFloat64(ended - began))[1] AS p50, quantilesExactInclusive(0.5, 0.95)(toFloat64(ended - began))[2] AS p95
FROM
(
    SELECT toUnixTimestamp64Milli(created_at) AS created_ms, [proved_ms, ready_ms, created_ms, created_ms] AS begins,
        [invoiced_ms, invoiced_ms, delivered_ms, paid_ms] AS ends
    FROM paths FINAL
    WHERE tenant = {tenant:String} AND definition = {definition:String}
        AND greatest(invoiced_ms, delivered_ms, paid_ms) >= {from_ms:Int64}
        AND ({customer:String} = '' OR customer = {customer:String})
        AND ({warehouse:String} = '' OR warehouse = {warehouse:String})
        AND ({carrier:String} = '' OR carrier = {carrier:String})
)
ARRAY JOIN begins AS began, ends AS ended, [toUInt8(1), 2, 3, 4] AS question
WHERE began > 0 AND ended >= began AND ended >= {from_ms:Int64}
GROUP BY week, question
ORDER BY week, question
