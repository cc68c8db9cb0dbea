-- How many workflows match?
-- One tenant's snapshots; only the columns that are filtered on are read.
SELECT count() AS n
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
