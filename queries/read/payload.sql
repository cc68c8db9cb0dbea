-- What came in, to the letter? A lookup by key.
SELECT tenant, payload, toUnixTimestamp64Milli(received_at) AS received_ms, form, source, key_id, headers, body, events, refused
FROM payloads
WHERE tenant = {tenant:String} AND payload = {payload:UInt64}
LIMIT 1
