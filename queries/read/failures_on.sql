-- Which refused records named one of these objects?
SELECT tenant, payload, index, toUnixTimestamp64Milli(received_at) AS received_ms, stage, code, pointer, expected, found,
    detail, fingerprint, source, event_type, event_id, schema_version, object_type, object_id
FROM failures
WHERE tenant = {tenant:String} AND (object_type, object_id) IN arrayZip({types:Array(String)}, {ids:Array(String)})
ORDER BY payload DESC, index DESC
LIMIT {limit:UInt64}
