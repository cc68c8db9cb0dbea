-- How many discrepancies of each kind and how much they are about, each currency apart; too much and too little are not
-- set off against each other.
SELECT 'kind' AS name, kind AS value, currency, count() AS n, sum(abs(ifNull(worth, 0))) AS total,
    countIf(isNull(worth)) AS unknown
FROM
(
    SELECT tenant, root_type, root_id, kind, object_type, object_id, line, state, value AS worth, currency, customer, carrier, version
    FROM reconciliation FINAL
    WHERE {as_of_ms:Int64} = 0 AND tenant = {tenant:String}
    UNION ALL
    SELECT tenant, root_type, root_id, kind, object_type, object_id, line, state, value AS worth, currency, customer, carrier, version
    FROM reconciliation_history
    WHERE {as_of_ms:Int64} > 0 AND tenant = {tenant:String} AND version < toUInt64({as_of_ms:Int64} + 1) * 1000
    ORDER BY tenant, root_type, root_id, kind, object_type, object_id, line, version DESC
    LIMIT 1 BY tenant, root_type, root_id, kind, object_type, object_id, line
)
WHERE state != 'gone'
    AND (empty({kind:Array(String)}) OR has({kind:Array(String)}, kind))
    AND ({matched:String} = 'yes' OR state = 'open')
    AND ({customer:String} = '' OR customer = {customer:String})
    AND ({carrier:String} = '' OR carrier = {carrier:String})
    AND ({text:String} = '' OR startsWith(lower(root_id), lower({text:String}))
        OR startsWith(lower(object_id), lower({text:String})) OR positionCaseInsensitiveUTF8(customer, {text:String}) > 0)
GROUP BY kind, currency
ORDER BY kind, currency
