-- What did systems report since then, of one type or by one system?
-- By the index on the time of arrival; answers are looked for minutes after a question was sent.
SELECT object_type, object_id, refs, received_at AS received_ms
FROM events
WHERE tenant = {tenant:String} AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    AND ({event_type:String} = '' OR event_type = {event_type:String})
    AND ({system:String} = '' OR system = {system:String})
ORDER BY received_at
LIMIT {limit:UInt64}
