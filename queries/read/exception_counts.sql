-- Which kinds of exception are open, in how many workflows?
SELECT exception, count() AS count
FROM workflows FINAL
ARRAY JOIN exceptions AS exception
WHERE tenant = {tenant:String} AND NOT closed
GROUP BY exception
ORDER BY count DESC, exception
