-- How many discrepancies of each kind and how much they are about, each currency apart; too much and too little are not
-- set off against each other.
SELECT 'kind' AS name, kind AS value, currency, count() AS n, sum(abs(ifNull(reconciliation.value, 0))) AS total,
    countIf(isNull(reconciliation.value)) AS unknown
FROM reconciliation FINAL
WHERE tenant = {tenant:String} AND state != 'gone'
    AND (empty({kind:Array(String)}) OR has({kind:Array(String)}, kind))
    AND ({matched:String} = 'yes' OR state = 'open')
    AND ({customer:String} = '' OR customer = {customer:String})
    AND ({carrier:String} = '' OR carrier = {carrier:String})
    AND ({text:String} = '' OR startsWith(lower(root_id), lower({text:String}))
        OR startsWith(lower(object_id), lower({text:String})) OR positionCaseInsensitiveUTF8(customer, {text:String}) > 0)
GROUP BY kind, currency
ORDER BY kind, currency
