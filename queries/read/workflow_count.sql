-- How many workflows match a filter? Snapshots of one tenant only.
SELECT count() AS n
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
