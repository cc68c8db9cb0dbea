-- At start: every object that is held or belongs to a workflow that is not closed, of all tenants.
-- The set of open members is built once in the server's memory; objects stream by in the order of their key.
SELECT tenant, object_type, object_id, state, events, first_at AS first_ms, last_at AS last_ms, last_type, last_source,
    last_system, held, held_since AS held_since_ms, waits_for, links, workflows, same_as, aliases, version
FROM objects FINAL
WHERE held OR (tenant, object_type, object_id) IN
    (
        SELECT tenant, splitByChar('/', member)[1] AS object_type, substring(member, position(member, '/') + 1) AS object_id
        FROM workflows FINAL
        ARRAY JOIN members AS member
        WHERE NOT closed
    )
ORDER BY tenant, object_type, object_id
