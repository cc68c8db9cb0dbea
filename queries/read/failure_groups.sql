-- Of one cause or of many: the groups of failures, the latest first, with what they mean for the business.
-- Snapshots only, a row a group; only when a text is looked for are failures read, to tell which groups hold it.
SELECT
    group_id, fingerprints, stage, code, pointer, expected, found, detail, step, target, source, sources, event_types,
    n, last_hour, hours, objects, orders, workflows, customers, breached, at_risk, money, example_payload, example_index,
    first_at AS first_ms, last_at AS last_ms, mended, as_of AS as_of_ms, version
FROM failure_groups FINAL
WHERE tenant = {tenant:String} AND n > 0
    AND ({group:UInt64} = 0 OR group_id = {group:UInt64})
    AND ({stage:String} = '' OR stage = {stage:String})
    AND ({code:String} = '' OR code = {code:String})
    AND ({source:String} = '' OR has(sources, {source:String}))
    AND ({event_type:String} = '' OR has(event_types, {event_type:String}))
    AND ({from_ms:Int64} = 0 OR last_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
    AND ({to_ms:Int64} = 0 OR first_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC'))
    AND ({text:String} = '' OR hasAny(fingerprints, (SELECT groupUniqArray(fingerprint) FROM failures
        WHERE {text:String} != '' AND tenant = {tenant:String}
            AND (startsWith(lower(object_id), lower({text:String})) OR event_id = {text:String}
                OR positionCaseInsensitiveUTF8(detail, {text:String}) > 0))))
ORDER BY last_ms DESC, group_id
LIMIT {limit:UInt64}
