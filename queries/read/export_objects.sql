-- The objects that exported events are about or name, each with its latest event and the objects that its events name.
-- The same narrowing as of the events; groups and sorts go to disk where memory does not hold them.
SELECT object, argMax(event_type, at) AS last_type, toUnixTimestamp64Milli(max(at)) AS last_ms,
    arraySort(groupUniqArrayArray(named)) AS links
FROM
(
    SELECT concat(object_type, '/', object_id) AS object, toString(event_type) AS event_type, occurred_at AS at, refs AS named
    FROM events
    WHERE tenant = {tenant:String} AND system != 'milepost'
        AND ({from_ms:Int64} = 0 OR occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
        AND ({to_ms:Int64} = 0 OR occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC'))
        AND ({object_type:String} = '' OR object_type = {object_type:String})
        AND (empty({objects:Array(Tuple(String, String))}) OR (object_type, object_id) IN {objects:Array(Tuple(String, String))})
    UNION ALL
    SELECT arrayJoin(refs) AS object, '' AS event_type, toDateTime64(0, 3, 'UTC') AS at, CAST([], 'Array(String)') AS named
    FROM events
    WHERE tenant = {tenant:String} AND system != 'milepost'
        AND ({from_ms:Int64} = 0 OR occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
        AND ({to_ms:Int64} = 0 OR occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC'))
        AND ({object_type:String} = '' OR object_type = {object_type:String})
        AND (empty({objects:Array(Tuple(String, String))}) OR (object_type, object_id) IN {objects:Array(Tuple(String, String))})
)
GROUP BY object
ORDER BY object
SETTINGS max_bytes_before_external_group_by = 268435456, max_bytes_before_external_sort = 268435456
