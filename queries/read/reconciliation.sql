-- Which discrepancies match, the oldest first, from the cursor on; now, or as they were at a moment?
-- One tenant's snapshots and never events; at a moment the newest of each before it. The half that is not asked for
-- reads nothing, because its first condition is constant.
WITH
    toUnixTimestamp64Milli(since) AS sort_value,
    concat(kind, '\n', object_type, '/', object_id, '\n', line) AS place
SELECT tenant, root_type, root_id, kind, object_type, object_id, line, state, detail, expected, found, unit, value,
    currency, figures, since AS since_ms, system, customer, carrier, evidence, mark, version
FROM
(
    SELECT * FROM reconciliation FINAL
    WHERE {as_of_ms:Int64} = 0 AND tenant = {tenant:String}
    UNION ALL
    SELECT * FROM reconciliation_history
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
    AND (NOT {resumed:Bool} OR (sort_value, root_id, place) > ({after_value:Int64}, {after_id:String}, {after_also:String}))
ORDER BY sort_value, root_id, place
LIMIT {limit:UInt64}
