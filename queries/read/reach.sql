-- Did shipment events reach billing and finance: of the shipments shipped since then, which does neither know?
-- Shipments by the head of the key of events, their workflows by the whole key of objects; what billing and finance said of late.
WITH
    -- What was shipped since then need not be known yet.
    fromUnixTimestamp64Milli({now_ms:Int64} - 900000, 'UTC') AS recent,
    shipped AS
    (
        SELECT object_id, min(occurred_at) AS shipped_at
        FROM events
        WHERE tenant = {tenant:String} AND object_type = 'shipment' AND event_type = 'shipment.shipped'
            AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
            AND occurred_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
        GROUP BY object_id
    ),
    named AS
    (
        SELECT object_id, shipped_at, arrayJoin(arrayConcat([concat('shipment/', object_id)], workflows)) AS name
        FROM shipped LEFT JOIN
        (
            SELECT object_id, workflows FROM objects FINAL
            WHERE tenant = {tenant:String} AND object_type = 'shipment' AND object_id IN (SELECT object_id FROM shipped)
        ) AS known USING object_id
    ),
    told AS
    (
        SELECT arrayJoin(arrayConcat([concat(object_type, '/', object_id)], refs)) AS name, max(occurred_at) AS told_at
        FROM events
        WHERE tenant = {tenant:String} AND system IN ('billing', 'finance')
            AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
        GROUP BY name
    ),
    reached AS
    (
        SELECT object_id, min(shipped_at) AS at, max(told_at >= shipped_at AND told_at > toDateTime64(0, 3, 'UTC')) AS known
        FROM named LEFT JOIN told USING name
        GROUP BY object_id
    )
SELECT count() AS shipped, countIf(known) AS known_there, countIf(NOT known AND at > recent) AS fresh,
    arrayMap(pair -> pair.2, arraySlice(arraySort(groupArrayIf((at, object_id), NOT known AND at <= recent)), 1, 5)) AS missing,
    arrayMap(pair -> toUnixTimestamp64Milli(pair.1), arraySlice(arraySort(groupArrayIf((at, object_id), NOT known AND at <= recent)), 1, 5)) AS missing_since
FROM reached
