-- These payloads to the letter.
-- Look-ups by the key; the caller asks for no more than fits into memory.
SELECT tenant, payload, received_at AS received_ms, form, source, key_id, headers, body, events, refused, rules
FROM payloads
WHERE tenant = {tenant:String} AND payload IN {payloads:Array(UInt64)}
ORDER BY payload
