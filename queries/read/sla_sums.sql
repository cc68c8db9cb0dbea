-- How many clocks match and what are their workflows worth, by currency?
-- One tenant's snapshots; only the columns that are filtered on are read. Two currencies are never added.
SELECT currency, count() AS n, sum(ifNull(amount, 0)) AS total
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
GROUP BY currency
ORDER BY n DESC, currency
