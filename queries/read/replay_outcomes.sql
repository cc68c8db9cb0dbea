-- Of what kinds are the outcomes of this replay, with an example of each?
-- One job's rows, by the head of the key.
SELECT state, code, count() AS n, min(position) AS example, argMin(detail, position) AS detail
FROM replay_items FINAL
WHERE tenant = {tenant:String} AND replay = {replay:String}
GROUP BY state, code
ORDER BY n DESC, state, code
LIMIT {limit:UInt64}
