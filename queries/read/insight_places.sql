-- By customer, warehouse or carrier: how many were delivered, how long took the invoice and the order, how many kept?
-- As insight_yield, over all weeks; a row a name, the most first, at most `limit`.
WITH
    faulty AS
    (
        SELECT cityHash64(root_type, root_id) FROM exceptions
        WHERE tenant = {tenant:String} AND kind NOT IN {no_fault:Array(String)}
    ),
    unfilled AS
    (
        SELECT cityHash64(root_type, root_id) FROM exceptions
        WHERE tenant = {tenant:String} AND kind IN {not_full:Array(String)}
    )
SELECT multiIf({by:String} = 'warehouse', warehouse, {by:String} = 'carrier', carrier, customer) AS name, count() AS n,
    quantilesExactInclusiveIf(0.5, 0.95)(toFloat64(invoiced_ms - proved_ms), proved_ms > 0 AND invoiced_ms >= proved_ms)[1] AS invoice_p50,
    quantilesExactInclusiveIf(0.5, 0.95)(toFloat64(invoiced_ms - proved_ms), proved_ms > 0 AND invoiced_ms >= proved_ms)[2] AS invoice_p95,
    quantileExactInclusive(0.5)(toFloat64(delivered_ms - created_ms)) AS order_p50, countIf(promise != '') AS promised_n,
    countIf(promise = 'kept' AND NOT is_short) AS kept_n, countIf(NOT has_fault) AS first_pass_n
FROM
(
    SELECT customer, warehouse, carrier, toUnixTimestamp64Milli(created_at) AS created_ms, delivered_ms, proved_ms,
        invoiced_ms, promise, root IN faulty AS has_fault, root IN unfilled AS is_short
    FROM paths FINAL
    WHERE tenant = {tenant:String} AND definition = {definition:String}
        AND delivered_ms > 0 AND delivered_ms >= {from_ms:Int64}
        AND ({customer:String} = '' OR customer = {customer:String})
        AND ({warehouse:String} = '' OR warehouse = {warehouse:String})
        AND ({carrier:String} = '' OR carrier = {carrier:String})
)
WHERE name != ''
GROUP BY name
ORDER BY n DESC, name
LIMIT {limit:UInt64}
