-- What is each group of failures: its cause, its count, its example, since when? Rules of merging and splitting count.
-- One tenant's failures whole, once a change; the example is the latest record that names its object and its type.
WITH
    arrayFirstIndex((origin, field, wanted) -> origin = fingerprint AND wanted = multiIf(field = 'found', f.found,
        field = 'source', f.source, field = 'event_type', f.event_type, field = 'object_type', f.object_type,
        field = 'target', f.target, field = 'schema_version', toString(f.schema_version), ''),
        {split_from:Array(UInt64)}, {split_by:Array(String)}, {split_value:Array(String)}) AS rule,
    if(rule = 0, fingerprint, {split_into:Array(UInt64)}[rule]) AS part,
    if(has({merge_from:Array(UInt64)}, part), {merge_into:Array(UInt64)}[indexOf({merge_from:Array(UInt64)}, part)], part) AS grp,
    fromUnixTimestamp64Milli({as_of_ms:Int64}, 'UTC') AS as_of,
    greatest(0, least(23, 23 - intDiv({as_of_ms:Int64} - toUnixTimestamp64Milli(received_at), 3600000))) AS place,
    -- Once a fingerprint is merged into another group, that group's own cause names it.
    (part = grp, object_id != '', event_type != '', payload, `index`) AS worth
SELECT
    grp AS group_id, arraySort(groupUniqArray(fingerprint)) AS fingerprints,
    argMax(f.stage, worth) AS stage, argMax(f.code, worth) AS code, argMax(f.pointer, worth) AS pointer,
    argMax(f.expected, worth) AS expected, argMax(f.found, worth) AS found, argMax(f.detail, worth) AS detail,
    argMax(f.step, worth) AS step, argMax(f.target, worth) AS target, argMax(f.source, worth) AS source,
    arraySort(groupUniqArray(20)(f.source)) AS sources, arraySort(groupUniqArray(20)(f.event_type)) AS event_types,
    count() AS n,
    countIf(received_at > as_of - INTERVAL 1 HOUR) AS last_hour,
    sumForEachIf(arrayMap(hour -> toUInt64(hour = place), range(24)), received_at > as_of - INTERVAL 24 HOUR) AS hours,
    uniqExactIf((object_type, object_id), object_id != '') AS objects,
    argMax(payload, worth) AS example_payload, argMax(`index`, worth) AS example_index,
    min(received_at) AS first_ms, max(received_at) AS last_ms
FROM failures AS f
WHERE tenant = {tenant:String}
GROUP BY grp
ORDER BY last_ms DESC, grp
LIMIT {limit:UInt64}
