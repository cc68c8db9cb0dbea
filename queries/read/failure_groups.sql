-- Of one cause or of many: the refusals by fingerprint, the latest cause first, with an example of each.
-- One tenant's refusals within the time asked for; a row per cause, at most `limit`.
SELECT
    fingerprint, any(stage) AS stage, any(code) AS code, argMax(pointer, payload) AS pointer, any(source) AS source,
    any(event_type) AS event_type, argMax(expected, payload) AS expected, argMax(found, payload) AS found,
    argMax(detail, payload) AS detail, count() AS n,
    countIf(received_at >= fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC') - INTERVAL 1 HOUR) AS last_hour,
    uniqIf((object_type, object_id), object_id != '') AS objects,
    min(received_at) AS first_ms, max(received_at) AS last_ms,
    max((payload, `index`)).1 AS example_payload, max((payload, `index`)).2 AS example_index
FROM failures
WHERE tenant = {tenant:String}
    AND ({fingerprint:UInt64} = 0 OR fingerprint = {fingerprint:UInt64})
    AND ({stage:String} = '' OR failures.stage = {stage:String})
    AND ({code:String} = '' OR failures.code = {code:String})
    AND ({source:String} = '' OR failures.source = {source:String})
    AND ({event_type:String} = '' OR failures.event_type = {event_type:String})
    AND ({from_ms:Int64} = 0 OR received_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
    AND ({to_ms:Int64} = 0 OR received_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC'))
    AND ({text:String} = '' OR startsWith(lower(object_id), lower({text:String})) OR event_id = {text:String}
        OR positionCaseInsensitiveUTF8(failures.detail, {text:String}) > 0)
GROUP BY fingerprint
ORDER BY last_ms DESC, fingerprint
LIMIT {limit:UInt64}
