-- What can be billed and what cannot, the longest delivered first, from the cursor on; now, or as it was at a moment?
-- One tenant's snapshots and never events; at a moment the newest of each before it. The half that is not asked for
-- reads nothing, because its first condition is constant.
WITH
    dateDiff('day', ifNull(delivered_at, fromUnixTimestamp64Milli({now_ms:Int64}, 'UTC')), fromUnixTimestamp64Milli({now_ms:Int64}, 'UTC')) AS days,
    multiIf(delivered_at IS NULL, '', days <= 1, '0-1', days <= 3, '2-3', days <= 7, '4-7', days <= 14, '8-14', days <= 30, '15-30', '31+') AS age,
    ifNull(toUnixTimestamp64Milli(delivered_at), 9223372036854775807) AS sort_value
SELECT tenant, root_type, root_id, object_type, object_id, is_rest, state, reasons, why, system, next_step, customer,
    carrier, warehouse, amount, currency, billed, remaining, since AS since_ms, delivered_at AS delivered_ms,
    proof_at AS proof_ms, invoiced_at AS invoiced_ms, mark, version
FROM
(
    SELECT * FROM readiness FINAL
    WHERE {as_of_ms:Int64} = 0 AND tenant = {tenant:String}
    UNION ALL
    SELECT * FROM readiness_history
    WHERE {as_of_ms:Int64} > 0 AND tenant = {tenant:String} AND version < toUInt64({as_of_ms:Int64} + 1) * 1000
    ORDER BY tenant, root_type, root_id, object_type, object_id, version DESC
    LIMIT 1 BY tenant, root_type, root_id, object_type, object_id
)
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
    AND (NOT {resumed:Bool} OR (sort_value, root_id, concat(object_type, '/', object_id))
        > ({after_value:Int64}, {after_id:String}, {after_also:String}))
ORDER BY sort_value, root_id, concat(object_type, '/', object_id)
LIMIT {limit:UInt64}
