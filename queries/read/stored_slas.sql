-- The same for workflows that come back into memory: the roots lead the key, so each reads a granule.
SELECT tenant, root_type, root_id, policy, object_type, object_id, mark, detected_at AS detected_ms, detected_late, cause
FROM slas FINAL
WHERE verdict != 'gone' AND tenant = {tenant:String} AND (root_type, root_id) IN {objects:Array(Tuple(String, String))}
