-- How long did each milestone take, from the one that was reached before it: the middle and the slow end?
-- Of the workflows of one definition that came to a milestone in these weeks; whole seconds, worked out when written.
SELECT step, count() AS n, quantilesExactInclusive(0.5, 0.95)(took_s)[1] AS p50_s, quantilesExactInclusive(0.5, 0.95)(took_s)[2] AS p95_s
FROM paths FINAL
ARRAY JOIN arrayPopFront(steps) AS step, arrayPopFront(spent_s) AS took_s
WHERE tenant = {tenant:String} AND definition = {definition:String} AND last_ms >= {from_ms:Int64}
    AND ({customer:String} = '' OR customer = {customer:String})
    AND ({warehouse:String} = '' OR warehouse = {warehouse:String})
    AND ({carrier:String} = '' OR carrier = {carrier:String})
GROUP BY step
ORDER BY step
