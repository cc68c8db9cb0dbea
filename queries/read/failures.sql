-- Which records were refused, the newest first, from the cursor on?
-- Read backwards along the key and stopped at the limit; a filter on the fingerprint goes by its bloom filter.
SELECT tenant, payload, `index`, received_at AS received_ms, stage, code, pointer, expected, found, detail, fingerprint,
    source, event_type, event_id, schema_version, object_type, object_id
FROM failures
WHERE tenant = {tenant:String}
    AND ({fingerprint:UInt64} = 0 OR fingerprint = {fingerprint:UInt64})
    AND ({stage:String} = '' OR stage = {stage:String})
    AND ({code:String} = '' OR code = {code:String})
    AND ({source:String} = '' OR source = {source:String})
    AND ({event_type:String} = '' OR event_type = {event_type:String})
    AND ({from_ms:Int64} = 0 OR received_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
    AND ({to_ms:Int64} = 0 OR received_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC'))
    AND ({text:String} = '' OR startsWith(lower(object_id), lower({text:String})) OR event_id = {text:String}
        OR positionCaseInsensitiveUTF8(detail, {text:String}) > 0)
    AND (NOT {resumed:Bool} OR (payload, `index`) < ({after_payload:UInt64}, {after_index:UInt32}))
ORDER BY payload DESC, `index` DESC
LIMIT {limit:UInt64}
