-- What did the last good event of this type look like, from this source?
-- The index on our receive time leaves the granules since `since_ms`.
SELECT payload, `index`, received_at AS received_ms, object_type, object_id
FROM events
WHERE tenant = {tenant:String} AND event_type = {taken_type:String} AND source = {taken_source:String}
    AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC') AND payload != {payload:UInt64}
ORDER BY received_at DESC, `index` DESC
LIMIT 1
