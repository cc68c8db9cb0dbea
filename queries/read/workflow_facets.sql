-- Of each property that lists can be narrowed by: which values are there, and how many workflows each would show?
-- A property's own choice does not narrow its own counts: a workflow counts for it when it misses on nothing else.
-- One pass over one tenant's snapshots; at most 30 values of each property come back, the most frequent first.
SELECT facet.1 AS name, facet.2 AS value, count() AS n
FROM
(
    WITH
        (notEmpty({status:Array(String)}) AND NOT has({status:Array(String)}, status)) AS no_status,
        ({stage:String} != '' AND stage != {stage:String}) AS no_stage,
        ({definition:String} != '' AND definition != {definition:String}) AS no_definition,
        ({system:String} != '' AND waiting_for != {system:String}) AS no_system,
        ({customer:String} != '' AND customer != {customer:String}) AS no_customer,
        ({warehouse:String} != '' AND warehouse != {warehouse:String}) AS no_warehouse,
        ({carrier:String} != '' AND carrier != {carrier:String}) AS no_carrier,
        ({readiness:String} != '' AND readiness != {readiness:String}) AS no_readiness,
        ({exception:String} != '' AND NOT has(exceptions, {exception:String})) AS no_exception,
        no_status + no_stage + no_definition + no_system + no_customer + no_warehouse + no_carrier + no_readiness + no_exception AS misses
    SELECT arrayJoin(arrayFilter(f -> f.3 AND f.2 != '', arrayConcat(
        [
            ('status', toString(status), misses = no_status),
            ('stage', toString(stage), misses = no_stage),
            ('definition', toString(definition), misses = no_definition),
            ('system', toString(waiting_for), misses = no_system),
            ('customer', toString(customer), misses = no_customer),
            ('warehouse', toString(warehouse), misses = no_warehouse),
            ('carrier', toString(carrier), misses = no_carrier),
            ('readiness', toString(readiness), misses = no_readiness)
        ],
        arrayMap(kind -> ('exception', toString(kind), misses = no_exception), exceptions)))) AS facet
    FROM {workflows:Identifier} FINAL
    WHERE tenant = {tenant:String}
        AND ({from_ms:Int64} = 0 OR created_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
        AND ({to_ms:Int64} = 0 OR created_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC'))
        AND ({closed:Int8} < 0 OR toInt8(closed) = {closed:Int8})
        AND ({text:String} = '' OR startsWith(lower(root_id), lower({text:String}))
            OR positionCaseInsensitiveUTF8(customer, {text:String}) > 0 OR has(members, {text:String})
            OR arrayExists(m -> startsWith(lower(substring(m, position(m, '/') + 1)), lower({text:String})), members))
        AND misses <= 1
)
GROUP BY name, value
ORDER BY name, n DESC, value
LIMIT 30 BY name
