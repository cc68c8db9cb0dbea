-- The clocks of these workflows.
-- The roots lead the key, so each reads a granule.
SELECT tenant, root_type, root_id, definition, policy, object_type, object_id, variant, kind, title, why, from_step,
    to_step, system, customer, warehouse, carrier, lane, priority, amount, currency, calendar, started_at AS started_ms,
    known_at AS known_ms, limit_ms, paused_ms, pauses, paused_since AS paused_since_ms, warn_at AS warn_ms,
    due_at AS due_ms, ended_at AS ended_ms, verdict, first_verdict, open, breaches, detected_at AS detected_ms,
    detected_late, cause, forecast_at AS forecast_ms, forecast_n, waived_by, waived_reason, mark, version
FROM slas FINAL
WHERE tenant = {tenant:String} AND verdict != 'gone' AND (root_type, root_id) IN {objects:Array(Tuple(String, String))}
ORDER BY root_type, root_id, due_at, policy, object_type, object_id
LIMIT {limit:UInt64}
