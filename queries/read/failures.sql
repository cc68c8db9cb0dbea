-- Which records failed, the newest first, from the cursor on?
-- Read backwards along the key and stopped at the limit; a filter on the group goes by the bloom filter of its fingerprints.
WITH
    arrayFirstIndex((origin, field, wanted) -> origin = fingerprint AND wanted = multiIf(field = 'found', found,
        field = 'source', source, field = 'event_type', event_type, field = 'object_type', object_type,
        field = 'target', target, field = 'schema_version', toString(schema_version), ''),
        {split_from:Array(UInt64)}, {split_by:Array(String)}, {split_value:Array(String)}) AS rule,
    if(rule = 0, fingerprint, {split_into:Array(UInt64)}[rule]) AS part,
    if(has({merge_from:Array(UInt64)}, part), {merge_into:Array(UInt64)}[indexOf({merge_from:Array(UInt64)}, part)], part) AS grp
SELECT tenant, payload, `index`, received_at AS received_ms, stage, code, pointer, expected, found, detail, fingerprint,
    source, event_type, event_id, schema_version, object_type, object_id, offset, attempts, target, step, trace_id
FROM failures
WHERE tenant = {tenant:String}
    AND ({group:UInt64} = 0 OR (fingerprint IN {fingerprints:Array(UInt64)} AND grp = {group:UInt64}))
    AND ({stage:String} = '' OR stage = {stage:String})
    AND ({code:String} = '' OR code = {code:String})
    AND ({source:String} = '' OR source = {source:String})
    AND ({event_type:String} = '' OR event_type = {event_type:String})
    AND ({found:String} = '' OR found = {found:String})
    AND ({from_ms:Int64} = 0 OR received_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
    AND ({to_ms:Int64} = 0 OR received_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC'))
    AND ({text:String} = '' OR startsWith(lower(object_id), lower({text:String})) OR event_id = {text:String}
        OR positionCaseInsensitiveUTF8(detail, {text:String}) > 0)
    AND (NOT {resumed:Bool} OR (payload, `index`) < ({after_payload:UInt64}, {after_index:UInt32}))
ORDER BY payload DESC, `index` DESC
LIMIT {limit:UInt64}
