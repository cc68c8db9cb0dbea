-- With which event did a source speak first since a moment?
-- The index on our own receive time leaves only the granules since then.
SELECT source, event_id, event_type, received_at AS received_ms
FROM events
WHERE tenant = {tenant:String} AND source = {of_source:String}
    AND received_at > fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
ORDER BY received_at, payload, `index`
LIMIT 1
