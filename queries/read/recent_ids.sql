-- Which events were taken last? So that a duplicate is known at the door after a restart too.
SELECT tenant, source, event_id, content
FROM events
ORDER BY received_at DESC
LIMIT {limit:UInt64}
