-- How many failed records match?
-- One tenant's failures; only the columns that are filtered on are read.
SELECT count() AS n
FROM failures
WHERE tenant = {tenant:String}
    AND ({stage:String} = '' OR stage = {stage:String})
    AND ({code:String} = '' OR code = {code:String})
    AND ({source:String} = '' OR source = {source:String})
    AND ({event_type:String} = '' OR event_type = {event_type:String})
    AND ({found:String} = '' OR found = {found:String})
    AND ({from_ms:Int64} = 0 OR received_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
    AND ({to_ms:Int64} = 0 OR received_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC'))
    AND ({text:String} = '' OR startsWith(lower(object_id), lower({text:String})) OR event_id = {text:String}
        OR positionCaseInsensitiveUTF8(detail, {text:String}) > 0)
