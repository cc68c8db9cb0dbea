-- What failed just before and just after this record, of the same group?
-- Two short reads along the key from one place, each stopped at its first row.
WITH
    arrayFirstIndex((origin, field, wanted) -> origin = fingerprint AND wanted = multiIf(field = 'found', found,
        field = 'source', source, field = 'event_type', event_type, field = 'object_type', object_type,
        field = 'target', target, field = 'schema_version', toString(schema_version), ''),
        {split_from:Array(UInt64)}, {split_by:Array(String)}, {split_value:Array(String)}) AS rule,
    if(rule = 0, fingerprint, {split_into:Array(UInt64)}[rule]) AS part,
    if(has({merge_from:Array(UInt64)}, part), {merge_into:Array(UInt64)}[indexOf({merge_from:Array(UInt64)}, part)], part) AS grp
SELECT payload, `index`, later FROM
(
    SELECT payload, `index`, false AS later FROM failures
    WHERE tenant = {tenant:String} AND fingerprint IN {fingerprints:Array(UInt64)} AND grp = {group:UInt64}
        AND (payload, `index`) < ({payload:UInt64}, {index:UInt32})
    ORDER BY payload DESC, `index` DESC
    LIMIT 1
)
UNION ALL
SELECT payload, `index`, later FROM
(
    SELECT payload, `index`, true AS later FROM failures
    WHERE tenant = {tenant:String} AND fingerprint IN {fingerprints:Array(UInt64)} AND grp = {group:UInt64}
        AND (payload, `index`) > ({payload:UInt64}, {index:UInt32})
    ORDER BY payload, `index`
    LIMIT 1
)
