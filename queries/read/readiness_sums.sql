-- How many and how much by state, reason, age, customer, owner and currency, each currency apart; `all` is the whole list.
-- Reads the narrow columns of the same snapshots as the list, once. Reasons overlap: an item counts in each of its own.
WITH
    dateDiff('day', ifNull(delivered_at, fromUnixTimestamp64Milli({now_ms:Int64}, 'UTC')), fromUnixTimestamp64Milli({now_ms:Int64}, 'UTC')) AS days,
    multiIf(delivered_at IS NULL, '', days <= 1, '0-1', days <= 3, '2-3', days <= 7, '4-7', days <= 14, '8-14', days <= 30, '15-30', '31+') AS age
SELECT tupleElement(facet, 1) AS name, tupleElement(facet, 2) AS value, currency, count() AS n,
    sum(ifNull(amount, 0)) AS total, countIf(amount IS NULL) AS unknown
FROM
(
    SELECT tenant, root_type, root_id, object_type, object_id, state, reasons, system, customer, carrier, amount, currency, delivered_at, version FROM readiness FINAL
    WHERE {as_of_ms:Int64} = 0 AND tenant = {tenant:String}
    UNION ALL
    SELECT tenant, root_type, root_id, object_type, object_id, state, reasons, system, customer, carrier, amount, currency, delivered_at, version FROM readiness_history
    WHERE {as_of_ms:Int64} > 0 AND tenant = {tenant:String} AND version < toUInt64({as_of_ms:Int64} + 1) * 1000
    ORDER BY tenant, root_type, root_id, object_type, object_id, version DESC
    LIMIT 1 BY tenant, root_type, root_id, object_type, object_id
)
ARRAY JOIN arrayConcat([('all', ''), ('state', state), ('age', age), ('customer', customer), ('system', system), ('currency', currency)], arrayMap(r -> ('reason', r), arrayDistinct(reasons))) AS facet
WHERE state != 'gone'
    AND (empty({state:Array(String)}) OR has({state:Array(String)}, state))
    AND ({reason:String} = '' OR has(reasons, {reason:String}))
    AND ({age:String} = '' OR age = {age:String})
    AND ({customer:String} = '' OR customer = {customer:String})
    AND ({carrier:String} = '' OR carrier = {carrier:String})
    AND ({system:String} = '' OR system = {system:String})
    AND ({currency:String} = '' OR currency = {currency:String})
    AND ({text:String} = '' OR startsWith(lower(root_id), lower({text:String}))
        OR startsWith(lower(object_id), lower({text:String})) OR positionCaseInsensitiveUTF8(customer, {text:String}) > 0)
GROUP BY name, value, currency
ORDER BY name, total DESC, n DESC, value, currency
LIMIT 1000 BY name
