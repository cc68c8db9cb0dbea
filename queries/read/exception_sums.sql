-- How many exceptions match, how many orders and how much money depend on them, by currency?
-- One tenant's narrow columns; two currencies are never added.
SELECT currency, count() AS n, sum(orders) AS orders, sum(ifNull(amount, 0)) AS amount
FROM {exceptions:Identifier} FINAL
WHERE tenant = {tenant:String}
    AND (empty({state:Array(String)}) OR has({state:Array(String)}, state))
    AND (empty({kind:Array(String)}) OR has({kind:Array(String)}, kind))
    AND ({severity:String} = '' OR severity = {severity:String})
    AND ({system:String} = '' OR system = {system:String})
    AND ({owner:String} = '' OR owner = if({owner:String} = 'nobody', '', {owner:String}))
    AND ({team:String} = '' OR team = {team:String})
    AND ({reason:String} = '' OR reason = {reason:String})
    AND ({customer:String} = '' OR customer = {customer:String})
    AND ({warehouse:String} = '' OR warehouse = {warehouse:String})
    AND ({carrier:String} = '' OR carrier = {carrier:String})
    AND ({from_ms:Int64} = 0 OR known_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
    AND ({text:String} = '' OR startsWith(lower(root_id), lower({text:String}))
        OR startsWith(lower(object_id), lower({text:String})) OR positionCaseInsensitiveUTF8(customer, {text:String}) > 0)
    AND ({muted:String} = '' OR ({muted:String} = 'yes') = (kind IN ('sla_breached', 'sla_at_risk')
        AND (hasAny(feeds, {mute_sources:Array(String)}) OR empty(feeds) AND has({mute_systems:Array(String)}, system))))
GROUP BY currency
ORDER BY n DESC, currency
