-- What is known of these objects?
-- Look-ups by the whole key.
SELECT tenant, object_type, object_id, state, events, first_at AS first_ms, last_at AS last_ms, last_type, last_source,
    last_system, held, held_since AS held_since_ms, waits_for, links, workflows, same_as, aliases, version
FROM objects FINAL
WHERE tenant = {tenant:String} AND (object_type, object_id) IN {objects:Array(Tuple(String, String))}
ORDER BY object_type, object_id
