-- Which edit is this?
-- By the bloom filter on the id.
SELECT tenant, payload, record, id, body, by, made_at AS made_ms, problems, rules
FROM payload_edits FINAL
WHERE tenant = {tenant:String} AND id = {edit:String}
LIMIT 1
