-- Every event of a tenant, or of some of its objects, in the order of business time, to be written into a file.
-- What people did in Milepost itself stays here: another server could not tell it from forgery.
-- Reads what matches once; a sort that memory does not hold goes to disk, and rows stream from there.
SELECT tenant, object_type, object_id, occurred_at AS occurred_ms, offset_minutes, received_at AS received_ms, event_id,
    event_type, schema_version, source, system, refs, data, trace_id, span_id, payload, `index`, key_id, content
FROM events
WHERE tenant = {tenant:String} AND system != 'milepost'
    AND ({from_ms:Int64} = 0 OR occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
    AND ({to_ms:Int64} = 0 OR occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC'))
    AND ({object_type:String} = '' OR object_type = {object_type:String})
    AND (empty({objects:Array(Tuple(String, String))}) OR (object_type, object_id) IN {objects:Array(Tuple(String, String))})
ORDER BY occurred_at, source, event_id, received_at, payload, `index`
SETTINGS max_bytes_before_external_sort = 268435456
