-- Which workflows match, in the chosen order, from the cursor on?
-- Reads one tenant's snapshots and never events. The sort value is a number that always goes up, so that one keyset
-- cuts the pages of every order; the names after it make the order total.
WITH
    multiIf({sort:String} = 'updated', -toUnixTimestamp64Milli(updated_at),
        {sort:String} = 'created', -toUnixTimestamp64Milli(created_at),
        ifNull(toUnixTimestamp64Milli(due_at), 9223372036854775807)) AS sort_value
SELECT tenant, definition, definition_version, root_type, root_id, status, stage, stage_title, stage_number, stage_count,
    next, next_title, waiting_for, customer, amount, currency, priority, warehouse, carrier,
    created_at AS created_ms, updated_at AS updated_ms, closed, last_type, last_system, last_at AS last_ms,
    due_at AS due_ms, warn_at AS warn_ms, sla, blocked_code, blocked_what, exceptions, readiness, members, wakes_at AS wakes_ms,
    mark, version
FROM {workflows:Identifier} FINAL
WHERE tenant = {tenant:String}
    AND ({from_ms:Int64} = 0 OR created_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
    AND ({to_ms:Int64} = 0 OR created_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC'))
    AND ({closed:Int8} < 0 OR toInt8(closed) = {closed:Int8})
    AND ({text:String} = '' OR startsWith(lower(root_id), lower({text:String}))
        OR positionCaseInsensitiveUTF8(customer, {text:String}) > 0 OR has(members, {text:String})
        OR arrayExists(m -> startsWith(lower(substring(m, position(m, '/') + 1)), lower({text:String})), members))
    AND (empty({status:Array(String)}) OR has({status:Array(String)}, status))
    AND ({stage:String} = '' OR stage = {stage:String})
    AND ({definition:String} = '' OR definition = {definition:String})
    AND ({system:String} = '' OR waiting_for = {system:String})
    AND ({customer:String} = '' OR customer = {customer:String})
    AND ({warehouse:String} = '' OR warehouse = {warehouse:String})
    AND ({carrier:String} = '' OR carrier = {carrier:String})
    AND ({readiness:String} = '' OR readiness = {readiness:String})
    AND ({exception:String} = '' OR has(exceptions, {exception:String}))
    AND (NOT {resumed:Bool} OR (sort_value, root_type, root_id, definition)
        > ({after_value:Int64}, {after_type:String}, {after_id:String}, {after_also:String}))
ORDER BY sort_value, root_type, root_id, definition
LIMIT {limit:UInt64}
