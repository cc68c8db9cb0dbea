-- Which records of these payloads has a replay mended?
-- Look-ups by the head of the key.
SELECT payload, record, replay, healed_at AS healed_ms
FROM healed FINAL
WHERE tenant = {tenant:String} AND payload IN {payloads:Array(UInt64)}
