-- Which objects are held, the longest first, from the cursor on?
-- One tenant's object snapshots; the wide columns are read for the page only.
SELECT tenant, object_type, object_id, state, events, first_at AS first_ms, last_at AS last_ms, last_type, last_source,
    last_system, held, held_since AS held_since_ms, waits_for, links, workflows, same_as, aliases, version
FROM objects FINAL
WHERE tenant = {tenant:String} AND held
    AND (NOT {resumed:Bool} OR (toUnixTimestamp64Milli(held_since), object_type, object_id)
        > ({after_value:Int64}, {after_type:String}, {after_id:String}))
ORDER BY held_since, object_type, object_id
LIMIT {limit:UInt64}
