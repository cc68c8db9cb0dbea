-- At start: the ids taken last, with a hash of what they stood for, so that their repetitions are known again.
-- The index on our receive time leaves the granules since `since_ms`; the caller goes further back only for more.
SELECT tenant, source, event_id, content
FROM events
WHERE received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
ORDER BY received_at DESC
LIMIT {limit:UInt64}
