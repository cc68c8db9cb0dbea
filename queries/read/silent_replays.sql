-- Which replays have sent what belongs to no workflow, and show no effect? No workflow can tell of these.
-- Two narrow columns of one tenant's items first: of few jobs is there a row in that state at all. What was mended and
-- where an object belongs is looked up by the whole keys of these.
SELECT replay, any(via) AS way, count() AS n, toUnixTimestamp64Milli(min(settled_at)) AS silent_ms
FROM replay_items FINAL
WHERE tenant = {tenant:String} AND replay IN
    (
        SELECT replay
        FROM replay_items
        WHERE tenant = {tenant:String} AND state = 'no_effect'
            AND settled_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    )
    AND state = 'no_effect' AND settled_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    AND payload NOT IN
    (
        SELECT payload
        FROM healed
        WHERE tenant = {tenant:String} AND record = {whole:UInt32} AND payload IN
            (SELECT payload FROM replay_items WHERE tenant = {tenant:String} AND state = 'no_effect')
    )
    AND (payload, record) NOT IN
    (
        SELECT payload, record
        FROM healed
        WHERE tenant = {tenant:String} AND payload IN
            (SELECT payload FROM replay_items WHERE tenant = {tenant:String} AND state = 'no_effect')
    )
    AND (object_type, object_id) NOT IN
    (
        SELECT object_type, object_id
        FROM objects FINAL
        WHERE tenant = {tenant:String} AND notEmpty(workflows) AND (object_type, object_id) IN
            (SELECT object_type, object_id FROM replay_items WHERE tenant = {tenant:String} AND state = 'no_effect')
    )
GROUP BY replay
ORDER BY replay DESC
LIMIT {limit:UInt64}
