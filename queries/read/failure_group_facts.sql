-- What is each group of failures: its count, its example, since when? Rules of merging and splitting count.
-- One tenant's failures whole, once a change, first by hour so that most of the work is done on few rows; the example is the
-- latest record that names its object and its type, and is looked up by its key afterwards.
SELECT
    grp AS group_id, arraySort(groupUniqArrayArray(prints)) AS fingerprints,
    arraySort(groupUniqArrayArray(20)(senders)) AS sources, arraySort(groupUniqArrayArray(20)(kinds)) AS event_types,
    sum(failed) AS n, sum(healed) AS mended, sum(lately) AS last_hour,
    sumForEach(arrayMap(hour -> if(hour = place AND fresh, failed, 0), range(24))) AS hours,
    uniqExactMerge(named) AS objects,
    argMax(best.5, best) AS example_payload, argMax(best.6, best) AS example_index,
    min(first_at) AS first_ms, max(last_at) AS last_ms
FROM
(
    WITH
        arrayFirstIndex((origin, field, wanted) -> origin = fingerprint AND wanted = multiIf(field = 'found', found,
            field = 'source', source, field = 'event_type', event_type, field = 'object_type', object_type,
            field = 'target', target, field = 'schema_version', toString(schema_version), ''),
            {split_from:Array(UInt64)}, {split_by:Array(String)}, {split_value:Array(String)}) AS rule,
        if(rule = 0, fingerprint, {split_into:Array(UInt64)}[rule]) AS part,
        if(has({merge_from:Array(UInt64)}, part), {merge_into:Array(UInt64)}[indexOf({merge_from:Array(UInt64)}, part)], part) AS grp,
        {as_of_ms:Int64} - toUnixTimestamp64Milli(received_at) AS age_ms,
        greatest(0, least(23, 23 - intDiv(age_ms, 3600000))) AS place,
        age_ms < 86400000 AS fresh,
        (payload, `index`) IN (SELECT payload, record FROM healed WHERE tenant = {tenant:String})
            OR payload IN (SELECT payload FROM healed WHERE tenant = {tenant:String} AND record = 4294967295) AS is_mended
    SELECT
        grp, place, fresh, count() AS failed, countIf(is_mended) AS healed, countIf(age_ms < 3600000) AS lately,
        groupUniqArray(fingerprint) AS prints, groupUniqArray(20)(source) AS senders, groupUniqArray(20)(event_type) AS kinds,
        uniqExactStateIf(sipHash64(object_type, object_id), object_id != '') AS named,
        -- Once a fingerprint is merged into another group, that group's own cause names it; what is mended is no example.
        max((NOT is_mended, part = grp, object_id != '', event_type != '', payload, `index`)) AS best,
        min(received_at) AS first_at, max(received_at) AS last_at
    FROM failures
    WHERE tenant = {tenant:String}
    GROUP BY grp, place, fresh
)
GROUP BY grp
ORDER BY last_ms DESC, grp
LIMIT {limit:UInt64}
