-- What must be read to derive these workflows again?
-- The roots lead the key.
SELECT DISTINCT arrayJoin(members) AS member
FROM workflows FINAL
WHERE tenant = {tenant:String} AND (root_type, root_id) IN {objects:Array(Tuple(String, String))}
