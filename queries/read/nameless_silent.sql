-- Which replays have sent what names no business object, and shows no effect? Nothing else would tell of these.
-- A column of one tenant's items first; of few jobs there is a row in that state at all.
SELECT replay, count() AS n
FROM replay_items FINAL
WHERE tenant = {tenant:String} AND replay IN
    (
        SELECT replay
        FROM replay_items
        WHERE tenant = {tenant:String} AND state = 'no_effect' AND object_id = ''
            AND settled_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    )
    AND state = 'no_effect' AND object_id = '' AND settled_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    AND (payload, record) NOT IN (SELECT payload, record FROM healed WHERE tenant = {tenant:String})
GROUP BY replay
ORDER BY replay DESC
LIMIT {limit:UInt64}
