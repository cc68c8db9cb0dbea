-- Which records were refused, newest first? The sorting key is the journal's order, which is that of time.
SELECT tenant, payload, index, toUnixTimestamp64Milli(received_at) AS received_ms, stage, code, pointer, expected, found,
    detail, fingerprint, source, event_type, event_id, schema_version, object_type, object_id
FROM failures
WHERE tenant = {tenant:String}
    AND ({fingerprint:UInt64} = 0 OR fingerprint = {fingerprint:UInt64})
    AND ({source:String} = '' OR source = {source:String})
    AND ({code:String} = '' OR code = {code:String})
    AND ({stage:String} = '' OR stage = {stage:String})
    AND failures.received_at >= fromUnixTimestamp64Milli({since_ms:Int64})
    AND (payload, index) < ({before_payload:UInt64}, {before_index:UInt32})
ORDER BY payload DESC, index DESC
LIMIT {limit:UInt64}
