-- The last value of each series that a source reports.
-- The source leads the key after the tenant; only the points since `since_ms` are read.
SELECT tenant, source, name, any(unit) AS unit, any(kind) AS kind, service, attributes,
    max(time) AS time_ns, argMax(value, time) AS value, argMax(count, time) AS count
FROM points
WHERE tenant = {tenant:String} AND ({source:String} = '' OR source = {source:String})
    AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
GROUP BY tenant, source, name, service, attributes
ORDER BY source, name, service
LIMIT {limit:UInt64}
