-- At start: when does time change each workflow next, and what was last written of it?
-- Narrow columns of all tenants, streamed.
SELECT tenant, root_type, root_id, wakes_at AS wakes_ms, mark
FROM workflows FINAL
WHERE NOT closed OR wakes_at IS NOT NULL
