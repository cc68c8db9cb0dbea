-- Which edits does this payload have, the newest first?
-- A look-up by the head of the key.
SELECT tenant, payload, record, id, body, by, made_at AS made_ms, problems, rules
FROM payload_edits FINAL
WHERE tenant = {tenant:String} AND payload = {payload:UInt64}
ORDER BY made_at DESC
LIMIT {limit:UInt64}
