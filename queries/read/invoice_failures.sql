-- Did invoice triggers fail: how many failures concern invoices that no replay has mended, and did invoices come all the same?
-- One tenant's failures of a while along the key, and invoice events by the head of theirs.
SELECT
    assumeNotNull((SELECT count() FROM events WHERE tenant = {tenant:String} AND object_type IN ('invoice', 'order', 'shipment')
        AND event_type = 'invoice.triggered' AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC'))) AS triggered,
    assumeNotNull((SELECT count() FROM events WHERE tenant = {tenant:String} AND object_type = 'invoice'
        AND event_type = 'invoice.issued' AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC'))) AS issued,
    count() AS failed, uniqExactIf(object_id, object_id != '') AS invoices,
    arraySlice(groupUniqArray(toString(fingerprint)), 1, 3) AS fingerprints
FROM failures
WHERE tenant = {tenant:String} AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
    AND (object_type = 'invoice' OR startsWith(event_type, 'invoice.'))
    AND (payload, `index`) NOT IN (SELECT payload, record FROM healed WHERE tenant = {tenant:String})
    AND payload NOT IN (SELECT payload FROM healed WHERE tenant = {tenant:String} AND record = 4294967295)
