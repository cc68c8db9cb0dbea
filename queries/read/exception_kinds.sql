-- Which kinds of exceptions are open, how many of each, and in how many orders?
-- One tenant's narrow columns.
SELECT kind, count() AS n
FROM exceptions FINAL
WHERE tenant = {tenant:String} AND NOT closed
GROUP BY kind
ORDER BY n DESC, kind
