-- By how much did what is delivered and not invoiced change in each week, per currency?
-- Snapshots of paths and workflows of one definition: what was proved adds its amount, what was invoiced then takes it
-- away. A row a week and currency, from the first week on, because the level of a week is the sum of all before it.
SELECT currency, week, sum(change) AS change_millionths, countIf(change > 0) AS added, countIf(change < 0) AS taken
FROM
(
    SELECT flows.currency AS currency, flows.amount AS amount,
        times[indexOf(steps, {proved:String})] AS proved_ms, times[indexOf(steps, {invoiced:String})] AS invoiced_ms,
        arrayJoin(if(invoiced_ms = 0, [(proved_ms, 1)], [(proved_ms, 1), (invoiced_ms, -1)])) AS step,
        toStartOfWeek(fromUnixTimestamp64Milli(step.1, 'UTC'), 1) AS week, amount * step.2 AS change
    FROM paths FINAL
    INNER JOIN
    (
        SELECT root_type, root_id, definition, assumeNotNull(amount) AS amount, currency
        FROM workflows FINAL
        WHERE tenant = {tenant:String} AND ({definition:String} = '' OR definition = {definition:String}) AND amount IS NOT NULL AND status != 'cancelled'
    ) AS flows ON flows.root_type = paths.root_type AND flows.root_id = paths.root_id
    WHERE tenant = {tenant:String} AND ({definition:String} = '' OR definition = {definition:String}) AND has(steps, {proved:String})
        AND ({customer:String} = '' OR paths.customer = {customer:String})
        AND ({warehouse:String} = '' OR paths.warehouse = {warehouse:String})
        AND ({carrier:String} = '' OR paths.carrier = {carrier:String})
        AND (invoiced_ms = 0 OR invoiced_ms > proved_ms)
)
GROUP BY currency, week
ORDER BY currency, week
