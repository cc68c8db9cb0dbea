-- Which kinds of exceptions are open, and in how many workflows?
-- One tenant's snapshots; only those that have any.
SELECT kind, count() AS n
FROM workflows FINAL
ARRAY JOIN exceptions AS kind
WHERE tenant = {tenant:String} AND NOT closed
GROUP BY kind
ORDER BY n DESC, kind
