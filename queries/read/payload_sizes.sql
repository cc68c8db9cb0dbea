-- How large are these payloads?
-- Look-ups by the key; of the bodies only their lengths are read.
SELECT payload, length(body) AS bytes
FROM payloads
WHERE tenant = {tenant:String} AND payload IN {payloads:Array(UInt64)}
