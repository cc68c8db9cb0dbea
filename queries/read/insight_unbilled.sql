-- What of the value that was proved was not invoiced: in which week was it proved, in which invoiced, in each currency?
-- Narrow columns of the paths of one definition; what was invoiced before the first week is over and left out, and what was
-- proved before it stands under the week before. The first day of time is the week of what is not invoiced.
SELECT currency, toStartOfWeek(fromUnixTimestamp64Milli(greatest(proved_ms, {from_ms:Int64} - 1), 'UTC'), 1) AS proved,
    if(invoiced_ms = 0, toDate(0), toStartOfWeek(fromUnixTimestamp64Milli(invoiced_ms, 'UTC'), 1)) AS invoiced,
    sum(assumeNotNull(amount)) AS value_millionths, count() AS n
FROM paths FINAL
WHERE tenant = {tenant:String} AND definition = {definition:String} AND proved_ms > 0 AND amount IS NOT NULL
    AND NOT cancelled AND (invoiced_ms = 0 OR (invoiced_ms > proved_ms AND invoiced_ms >= {from_ms:Int64}))
    AND ({customer:String} = '' OR customer = {customer:String})
    AND ({warehouse:String} = '' OR warehouse = {warehouse:String})
    AND ({carrier:String} = '' OR carrier = {carrier:String})
GROUP BY currency, proved, invoiced
ORDER BY currency, proved, invoiced
