-- At start: which objects are held, and what do they wait for?
-- Narrow columns of all tenants, streamed.
SELECT tenant, object_type, object_id, events, held_since AS held_since_ms, waits_for, version
FROM objects FINAL
WHERE held
