-- At start: how did the clocks end that ended since a moment, or before their time and would fall due from today on?
-- Narrow columns of all tenants, streamed.
SELECT tenant, root_type, root_id, definition, policy, object_type, object_id, kind, system, customer, warehouse, carrier,
    due_at AS due_ms, ended_at AS ended_ms, verdict, first_verdict, cause, version
FROM slas FINAL
WHERE NOT open AND verdict NOT IN ('gone', 'cancelled')
    AND (least(due_at, ifNull(ended_at, due_at)) >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
        OR due_at >= fromUnixTimestamp64Milli({today_ms:Int64}, 'UTC'))
