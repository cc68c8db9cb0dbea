-- Which exceptions match, in the chosen order, from the cursor on?
-- One tenant's snapshots and never events. First the page is found on narrow columns only, then its rows are read whole.
-- The sort value is a number that always goes up, so that one keyset cuts the pages of every order.
WITH
    multiIf({sort:String} = 'since', toUnixTimestamp64Milli(since),
        {sort:String} = 'new', -toUnixTimestamp64Milli(known_at),
        {sort:String} = 'amount', -toInt64(greatest(least(ifNull(amount, 0), toDecimal128('9223372036854775807', 6)), toDecimal128('-9223372036854775807', 6))),
        toUInt8(severity != 'critical') * 100000000000000 + toUInt8(severity = 'info') * 100000000000000
            + ifNull(toUnixTimestamp64Milli(resolve_by), 90000000000000)) AS sort_value
SELECT tenant, id, kind, severity, object_type, object_id, root_type, root_id, detail, system, feeds, blocking,
    since AS since_ms, known_at AS known_ms, state, closed, closed_at AS closed_ms, closed_by, closed_kind, occurrence,
    owner, team, reason, comments, until AS until_ms, acknowledge_by AS acknowledge_by_ms, resolve_by AS resolve_by_ms,
    customer, warehouse, carrier, orders, customers, amount, currency, money, mark, version
FROM {exceptions:Identifier} FINAL
WHERE tenant = {tenant:String} AND id IN
(
    SELECT id
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
        AND (NOT {resumed:Bool} OR (sort_value, id) > ({after_value:Int64}, {after_id:String}))
    ORDER BY sort_value, id
    LIMIT {limit:UInt64}
)
ORDER BY sort_value, id
