-- What was changed around here since a moment: contract versions, deployments, and what people did to the set-up?
-- First sights within one tenant's minutes, spans and acts of that time; each of few rows.
SELECT at_ms, what FROM
(
    -- What a source sends from its beginning on is no change.
    SELECT toUnixTimestamp64Milli(first) AS at_ms, concat(source, ' sends ', contract) AS what FROM
    (
        SELECT source, contract, min(minute) AS first, min(first) OVER (PARTITION BY source) AS beginning
        FROM source_minutes ARRAY JOIN contracts AS contract
        WHERE tenant = {tenant:String}
        GROUP BY source, contract
    )
    WHERE first > beginning + INTERVAL 1 DAY
    UNION ALL
    SELECT toUnixTimestamp64Milli(min(received_at)) AS at_ms,
        concat(service, ' runs version ', attributes['resource.service.version']) AS what
    FROM spans
    WHERE tenant = {tenant:String} AND attributes['resource.service.version'] != ''
        AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC') - INTERVAL 7 DAY
    GROUP BY service, attributes['resource.service.version']
    UNION ALL
    SELECT toUnixTimestamp64Milli(occurred_at) AS at_ms, 
        if(JSONExtractString(data, 'words') != '', JSONExtractString(data, 'words'), concat(event_type, ' ', object_id, ' by ', source)) AS what
    FROM events
    WHERE tenant = {tenant:String} AND object_type IN
        ('definition', 'source', 'key', 'target', 'action', 'contract', 'mapping', 'deployment')
)
WHERE at_ms >= {since_ms:Int64}
ORDER BY at_ms DESC
LIMIT {limit:UInt64}
