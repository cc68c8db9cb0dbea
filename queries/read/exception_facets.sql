-- Of each property that exceptions can be narrowed by: which values are there, and how many would each show?
-- A property's own choice does not narrow its own counts. One pass over one tenant's narrow columns; what is closed is
-- left out unless it is asked for. Customers are too many to be counted here.
SELECT facet.1 AS name, facet.2 AS value, count() AS n
FROM
(
    WITH
        (notEmpty({state:Array(String)}) AND NOT has({state:Array(String)}, state)) AS no_state,
        (notEmpty({kind:Array(String)}) AND NOT has({kind:Array(String)}, kind)) AS no_kind,
        ({severity:String} != '' AND severity != {severity:String}) AS no_severity,
        ({system:String} != '' AND system != {system:String}) AS no_system,
        ({owner:String} != '' AND owner != if({owner:String} = 'nobody', '', {owner:String})) AS no_owner,
        ({team:String} != '' AND team != {team:String}) AS no_team,
        ({customer:String} != '' AND customer != {customer:String}) AS no_customer,
        ({warehouse:String} != '' AND warehouse != {warehouse:String}) AS no_warehouse,
        ({carrier:String} != '' AND carrier != {carrier:String}) AS no_carrier,
        no_state + no_kind + no_severity + no_system + no_owner + no_team + no_customer + no_warehouse + no_carrier AS misses
    SELECT arrayJoin(arrayFilter(f -> f.3 AND f.2 != '',
        [
            ('state', toString(state), misses = no_state),
            ('kind', toString(kind), misses = no_kind),
            ('severity', toString(severity), misses = no_severity),
            ('system', toString(system), misses = no_system),
            ('owner', if(owner = '', 'nobody', toString(owner)), misses = no_owner),
            ('team', toString(team), misses = no_team),
            ('warehouse', toString(warehouse), misses = no_warehouse),
            ('carrier', toString(carrier), misses = no_carrier)
        ])) AS facet
    FROM {exceptions:Identifier} FINAL
    WHERE tenant = {tenant:String}
        AND (NOT closed OR has({state:Array(String)}, 'closed'))
        AND ({reason:String} = '' OR reason = {reason:String})
        AND ({from_ms:Int64} = 0 OR known_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
        AND ({text:String} = '' OR startsWith(lower(root_id), lower({text:String}))
            OR startsWith(lower(object_id), lower({text:String})) OR positionCaseInsensitiveUTF8(customer, {text:String}) > 0)
        AND ({muted:String} = '' OR ({muted:String} = 'yes') = (kind IN ('sla_breached', 'sla_at_risk')
            AND (hasAny(feeds, {mute_sources:Array(String)}) OR empty(feeds) AND has({mute_systems:Array(String)}, system))))
        AND misses <= 1
)
GROUP BY name, value
ORDER BY name, n DESC, value
LIMIT 30 BY name
