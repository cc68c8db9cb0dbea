-- What do failures mean for the business: which orders, customers, money and SLAs hang on each group?
-- From the objects that failures name to their workflows, each workflow once a group; amounts per currency, never added
-- across. Look-ups by the keys of objects and workflows.
WITH
    named AS
    (
        WITH
            arrayFirstIndex((origin, field, wanted) -> origin = fingerprint AND wanted = multiIf(field = 'found', found,
                field = 'source', source, field = 'event_type', event_type, field = 'object_type', object_type,
                field = 'target', target, field = 'schema_version', toString(schema_version), ''),
                {split_from:Array(UInt64)}, {split_by:Array(String)}, {split_value:Array(String)}) AS rule,
            if(rule = 0, fingerprint, {split_into:Array(UInt64)}[rule]) AS part,
            if(has({merge_from:Array(UInt64)}, part), {merge_into:Array(UInt64)}[indexOf({merge_from:Array(UInt64)}, part)], part) AS grp
        SELECT DISTINCT grp AS group_id, object_type, object_id
        FROM failures
        WHERE tenant = {tenant:String} AND object_id != ''
    ),
    affected AS
    (
        SELECT DISTINCT group_id, root
        FROM named
        LEFT JOIN
        (
            SELECT object_type, object_id, workflows FROM objects FINAL
            WHERE tenant = {tenant:String} AND (object_type, object_id) IN
                (SELECT DISTINCT object_type, object_id FROM failures WHERE tenant = {tenant:String} AND object_id != '')
        ) AS known USING (object_type, object_id)
        ARRAY JOIN if(empty(workflows), [concat(object_type, '/', object_id)], workflows) AS root
    ),
    sumMapIf([currency], [assumeNotNull(amount)], there = 1 AND amount IS NOT NULL) AS sums
SELECT
    group_id, countIf(startsWith(root, 'order/')) AS orders, countIf(there = 1) AS workflows,
    uniqExactIf(customer, customer != '') AS customers,
    countIf(status = 'breached') AS breached, countIf(status = 'at_risk') AS at_risk,
    arrayMap((currency, sum) -> concat(toString(sum), ' ', currency), sums.1, sums.2) AS money
FROM affected
LEFT JOIN
(
    SELECT concat(root_type, '/', root_id) AS root, 1 AS there, customer, status, amount, currency
    FROM workflows FINAL
    WHERE tenant = {tenant:String}
) AS known USING root
GROUP BY group_id
ORDER BY group_id
