-- Has this event been taken, and where does it stand?
-- By the bloom filter of event ids.
SELECT payload, `index`, received_at AS received_ms, object_type, object_id
FROM events
WHERE tenant = {tenant:String} AND source = {taken_source:String} AND event_id = {taken_id:String}
ORDER BY received_at
LIMIT 1
