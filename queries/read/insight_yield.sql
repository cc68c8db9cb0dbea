-- Of what was delivered in a week: how much came on time and in full, without any fault, and right the first time?
-- Snapshots of paths, clocks and exceptions of one definition; a row a week. A promise counts once it is decided.
WITH
    late AS
    (
        SELECT root_type, root_id, max(verdict IN ('met_late', 'breached')) AS is_late
        FROM slas FINAL
        WHERE tenant = {tenant:String} AND ({definition:String} = '' OR definition = {definition:String}) AND to_step = {delivered:String}
            AND verdict NOT IN ('gone', 'cancelled', 'open', 'at_risk')
        GROUP BY root_type, root_id
    ),
    bad AS
    (
        SELECT root_type, root_id, max(kind IN {not_full:Array(String)}) AS is_short
        FROM exceptions FINAL
        WHERE tenant = {tenant:String} AND kind NOT IN {no_fault:Array(String)}
        GROUP BY root_type, root_id
    )
SELECT toStartOfWeek(fromUnixTimestamp64Milli(ended, 'UTC'), 1) AS week, count() AS n, countIf(promised) AS promised_n,
    countIf(promised AND NOT is_late AND NOT is_short) AS kept_n,
    countIf(promised AND NOT is_late AND NOT has_fault) AS perfect_n, countIf(NOT has_fault) AS first_pass_n
FROM
(
    SELECT times[indexOf(steps, {delivered:String})] AS ended, late.root_id != '' AS promised, late.is_late AS is_late,
        bad.root_id != '' AS has_fault, bad.is_short AS is_short
    FROM paths FINAL
    LEFT JOIN late ON late.root_type = paths.root_type AND late.root_id = paths.root_id
    LEFT JOIN bad ON bad.root_type = paths.root_type AND bad.root_id = paths.root_id
    WHERE tenant = {tenant:String} AND ({definition:String} = '' OR definition = {definition:String})
        AND ({customer:String} = '' OR paths.customer = {customer:String})
        AND ({warehouse:String} = '' OR paths.warehouse = {warehouse:String})
        AND ({carrier:String} = '' OR paths.carrier = {carrier:String})
)
WHERE ended >= {from_ms:Int64} AND ended > 0
GROUP BY week
ORDER BY week
