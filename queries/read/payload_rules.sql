-- By which version of contracts and mapping were these payloads read?
-- Look-ups by the key; the bodies are not touched.
SELECT payload, rules
FROM payloads
WHERE tenant = {tenant:String} AND payload IN {payloads:Array(UInt64)}
