-- Which of these events have been taken?
-- Objects lead the key; each costs a granule in each month.
SELECT DISTINCT object_type, object_id, event_id
FROM events
WHERE tenant = {tenant:String} AND (object_type, object_id) IN {objects:Array(Tuple(String, String))}
    AND event_id IN {events:Array(String)}
