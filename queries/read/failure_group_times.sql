-- When did failures of this group come: how many in each slot of so many seconds?
-- One group's failures since a moment, by the bloom filter of its fingerprints.
WITH
    arrayFirstIndex((from, by, value) -> from = fingerprint AND value = multiIf(by = 'found', found, by = 'source', source,
        by = 'event_type', event_type, by = 'object_type', object_type, by = 'target', target,
        by = 'schema_version', toString(schema_version), ''),
        {split_from:Array(UInt64)}, {split_by:Array(String)}, {split_value:Array(String)}) AS rule,
    if(rule = 0, fingerprint, {split_into:Array(UInt64)}[rule]) AS part,
    if(has({merge_from:Array(UInt64)}, part), {merge_into:Array(UInt64)}[indexOf({merge_from:Array(UInt64)}, part)], part) AS grp
SELECT toInt64(intDiv(toUnixTimestamp64Milli(received_at), {slot_ms:Int64}) * {slot_ms:Int64}) AS slot_ms, count() AS n
FROM failures
WHERE tenant = {tenant:String} AND fingerprint IN {fingerprints:Array(UInt64)} AND grp = {group:UInt64}
    AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
GROUP BY slot_ms
ORDER BY slot_ms
LIMIT 2000
