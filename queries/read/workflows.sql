-- Which workflows match a filter, one page in a given order? Reads snapshots of one tenant only; a page begins after
-- the last row of the one before, so that deep pages cost no more than the first.
SELECT tenant, root_type, root_id, definition, definition_version, status, stage, stage_title, stage_number, stage_count,
    next, next_title, waiting_for, customer, amount, currency, priority, warehouse, carrier,
    toUnixTimestamp64Milli(created_at) AS created_ms, toUnixTimestamp64Milli(updated_at) AS updated_ms, closed,
    last_type, last_system, toUnixTimestamp64Milli(last_at) AS last_ms,
    toUnixTimestamp64Milli(due_at) AS due_ms, toUnixTimestamp64Milli(warn_at) AS warn_ms,
    sla, blocked_code, blocked_what, exceptions, readiness, members, version
FROM (
    SELECT *, multiIf(
        {sort:String} = 'updated', -toUnixTimestamp64Milli(updated_at),
        {sort:String} = 'created', -toUnixTimestamp64Milli(created_at),
        ifNull(toUnixTimestamp64Milli(due_at), 9000000000000000)) AS place
    FROM workflows FINAL
    WHERE tenant = {tenant:String}
    AND (empty({status:Array(String)}) OR has({status:Array(String)}, status))
    AND ({stage:String} = '' OR stage = {stage:String})
    AND ({definition:String} = '' OR definition = {definition:String})
    AND ({system:String} = '' OR waiting_for = {system:String})
    AND ({customer:String} = '' OR customer = {customer:String})
    AND ({warehouse:String} = '' OR warehouse = {warehouse:String})
    AND ({carrier:String} = '' OR carrier = {carrier:String})
    AND ({exception:String} = '' OR has(exceptions, {exception:String}))
    AND ({readiness:String} = '' OR readiness = {readiness:String})
    AND ({closed:String} = '' OR closed = ({closed:String} = 'true'))
    AND ({from_ms:Int64} = 0 OR created_at >= fromUnixTimestamp64Milli({from_ms:Int64}))
    AND ({to_ms:Int64} = 0 OR created_at < fromUnixTimestamp64Milli({to_ms:Int64}))
    AND ({text:String} = '' OR startsWith(lowerUTF8(root_id), lowerUTF8({text:String}))
        OR positionCaseInsensitiveUTF8(customer, {text:String}) > 0
        OR arrayExists(m -> endsWith(m, concat('/', {text:String})), members))
)
WHERE (place, root_type, root_id) > ({after_place:Int64}, {after_type:String}, {after_id:String})
ORDER BY place, root_type, root_id
LIMIT {limit:UInt64}
