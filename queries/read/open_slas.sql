-- At start: what the store has of the clocks of open workflows, so that only what changes is written again.
-- The clocks of one workflow lie together; the set of open roots is built once.
SELECT tenant, root_type, root_id, policy, object_type, object_id, mark, detected_at AS detected_ms, detected_late, cause
FROM slas FINAL
WHERE verdict != 'gone'
    AND (tenant, root_type, root_id) IN (SELECT tenant, root_type, root_id FROM workflows FINAL WHERE NOT closed)
