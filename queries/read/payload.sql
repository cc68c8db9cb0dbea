-- The payload to the letter.
-- A look-up by the whole key; granules are small.
SELECT tenant, payload, received_at AS received_ms, form, source, key_id, headers, body, events, refused, rules
FROM payloads
WHERE tenant = {tenant:String} AND payload = {payload:UInt64}
LIMIT 1
