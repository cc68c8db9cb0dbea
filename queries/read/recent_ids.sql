-- At start: the ids taken last, with what they stood for, so that their repetitions are known again.
-- The index on our receive time leaves the granules since `since_ms`. The hash is `EventRow::content`'s.
SELECT tenant, source, event_id, xxHash64(concatWithSeparator('\n', event_type, object_type, object_id,
    toString(toUnixTimestamp64Milli(occurred_at)), arrayStringConcat(refs, ' '), data)) AS content
FROM events
WHERE received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
ORDER BY received_at DESC
LIMIT {limit:UInt64}
