-- Which clocks match, from the cursor on: those due first, or (newest) those due last?
-- Reads one tenant's snapshots and never events. The sort value goes up in both orders, so that one keyset cuts the
-- pages; the names after it make the order total.
WITH if({newest:Bool}, -toUnixTimestamp64Milli(due_at), toUnixTimestamp64Milli(due_at)) AS sort_value,
    concat(policy, ' ', object_type, '/', object_id) AS clock
SELECT tenant, root_type, root_id, definition, policy, object_type, object_id, variant, kind, title, why, from_step,
    to_step, system, customer, warehouse, carrier, lane, priority, amount, currency, calendar, started_at AS started_ms,
    known_at AS known_ms, limit_ms, paused_ms, pauses, paused_since AS paused_since_ms, warn_at AS warn_ms,
    due_at AS due_ms, ended_at AS ended_ms, verdict, first_verdict, open, breaches, detected_at AS detected_ms,
    detected_late, cause, forecast_at AS forecast_ms, forecast_n, waived_by, waived_reason, mark, version
FROM {slas:Identifier} FINAL
WHERE tenant = {tenant:String} AND verdict != 'gone'
    AND (empty({verdict:Array(String)}) OR has({verdict:Array(String)}, verdict))
    AND ({first:String} = '' OR first_verdict = {first:String})
    AND ({policy:String} = '' OR policy = {policy:String})
    AND ({definition:String} = '' OR definition = {definition:String})
    AND ({sla_kind:String} = '' OR kind = {sla_kind:String})
    AND ({system:String} = '' OR system = {system:String})
    AND ({customer:String} = '' OR customer = {customer:String})
    AND ({warehouse:String} = '' OR warehouse = {warehouse:String})
    AND ({carrier:String} = '' OR carrier = {carrier:String})
    AND ({cause:String} = '' OR cause = {cause:String})
    AND ({text:String} = '' OR startsWith(lower(root_id), lower({text:String}))
        OR startsWith(lower(object_id), lower({text:String}))
        OR positionCaseInsensitiveUTF8(customer, {text:String}) > 0)
    AND ({from_ms:Int64} = 0 OR due_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
    AND ({to_ms:Int64} = 0 OR due_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC'))
    AND (NOT {resumed:Bool} OR (sort_value, root_type, root_id, clock)
        > ({after_value:Int64}, {after_type:String}, {after_id:String}, {after_also:String}))
ORDER BY sort_value, root_type, root_id, clock
LIMIT {limit:UInt64}
