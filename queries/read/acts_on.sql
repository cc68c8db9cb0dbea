-- What have people done with things of a type that is no business object, such as groups of failures?
-- The head of the key: one tenant's acts on objects of this one type, of which there are few.
SELECT object_id, occurred_at AS occurred_ms, event_id, event_type, source, data
FROM events
WHERE tenant = {tenant:String} AND object_type = {object_type:String}
ORDER BY occurred_at, event_id
