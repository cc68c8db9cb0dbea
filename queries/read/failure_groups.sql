-- Which causes make records fail, how often, since when? One row a fingerprint; failures are few beside events.
SELECT fingerprint, any(failures.stage) AS stage, any(failures.code) AS code, any(failures.pointer) AS pointer,
    argMax(failures.expected, failures.received_at) AS expected, argMax(failures.detail, failures.received_at) AS detail,
    any(failures.source) AS source, any(failures.event_type) AS event_type, count() AS count,
    countIf(failures.received_at >= fromUnixTimestamp64Milli({hour_ago_ms:Int64})) AS last_hour,
    uniqExactIf((object_type, object_id), object_id != '') AS objects,
    toUnixTimestamp64Milli(min(failures.received_at)) AS first_ms, toUnixTimestamp64Milli(max(failures.received_at)) AS last_ms,
    argMax(failures.payload, (failures.received_at, failures.index)) AS example_payload,
    argMax(failures.index, (failures.received_at, failures.index)) AS example_index,
    topK(20)(failures.found) AS found
FROM failures
WHERE tenant = {tenant:String} AND failures.received_at >= fromUnixTimestamp64Milli({since_ms:Int64})
    AND ({fingerprint:UInt64} = 0 OR fingerprint = {fingerprint:UInt64})
GROUP BY fingerprint
ORDER BY last_ms DESC
LIMIT {limit:UInt64}
