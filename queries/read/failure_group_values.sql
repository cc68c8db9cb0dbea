-- Which values are bad, and how often: the fastest clue to a cause?
-- One group's failures, by the bloom filter of its fingerprints.
WITH
    arrayFirstIndex((origin, field, wanted) -> origin = fingerprint AND wanted = multiIf(field = 'found', found,
        field = 'source', source, field = 'event_type', event_type, field = 'object_type', object_type,
        field = 'target', target, field = 'schema_version', toString(schema_version), ''),
        {split_from:Array(UInt64)}, {split_by:Array(String)}, {split_value:Array(String)}) AS rule,
    if(rule = 0, fingerprint, {split_into:Array(UInt64)}[rule]) AS part,
    if(has({merge_from:Array(UInt64)}, part), {merge_into:Array(UInt64)}[indexOf({merge_from:Array(UInt64)}, part)], part) AS grp
SELECT found, count() AS n, max(received_at) AS last_ms
FROM failures
WHERE tenant = {tenant:String} AND fingerprint IN {fingerprints:Array(UInt64)} AND grp = {group:UInt64}
GROUP BY found
ORDER BY n DESC, found
LIMIT {limit:UInt64}
