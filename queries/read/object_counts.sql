-- How many objects of each type and state are there?
-- One tenant's object snapshots, the narrow columns only.
SELECT object_type, state, count() AS n, countIf(held) AS held
FROM objects FINAL
WHERE tenant = {tenant:String}
GROUP BY object_type, state
ORDER BY n DESC, object_type, state
