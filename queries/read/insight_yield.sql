-- Of what was delivered in a week: how much came on time and in full, without any fault, and right the first time?
-- Narrow columns of the paths of one definition, and the roots of exceptions: those keep their kind and their root, so
-- that no latest row is looked for. A row a week; a promise counts once it is decided.
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
SELECT toStartOfWeek(fromUnixTimestamp64Milli(delivered_ms, 'UTC'), 1) AS week, count() AS n, countIf(promise != '') AS promised_n,
    countIf(promise = 'kept' AND NOT is_short) AS kept_n, countIf(promise = 'kept' AND NOT has_fault) AS perfect_n,
    countIf(NOT has_fault) AS first_pass_n
FROM
(
    SELECT delivered_ms, promise, root IN faulty AS has_fault, root IN unfilled AS is_short
    FROM paths FINAL
    WHERE tenant = {tenant:String} AND definition = {definition:String}
        AND delivered_ms > 0 AND delivered_ms >= {from_ms:Int64}
        AND ({customer:String} = '' OR customer = {customer:String})
        AND ({warehouse:String} = '' OR warehouse = {warehouse:String})
        AND ({carrier:String} = '' OR carrier = {carrier:String})
)
GROUP BY week
ORDER BY week
