-- With which event was it accepted again what a group of failures had refused?
-- The first of the group's sources and types that was taken after its last refusal; the index on our own receive time
-- leaves only the granules since then.
WITH (SELECT (any(sources), any(arrayFilter(t -> t != '', event_types)), max(last_at)) FROM failure_groups FINAL
    WHERE tenant = {tenant:String} AND group_id = {group:UInt64}) AS refused
SELECT source, event_id, event_type, received_at AS received_ms
FROM events
WHERE tenant = {tenant:String} AND has(refused.1, source) AND (empty(refused.2) OR has(refused.2, event_type))
    AND received_at > refused.3
ORDER BY received_at, payload, `index`
LIMIT 1
