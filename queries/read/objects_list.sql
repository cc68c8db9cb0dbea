-- Which objects are there, the latest event first, from the cursor on?
-- One tenant's object snapshots; the wide columns are read for the page only.
SELECT tenant, object_type, object_id, state, events, first_at AS first_ms, last_at AS last_ms, last_type, last_source,
    last_system, held, held_since AS held_since_ms, waits_for, links, workflows, same_as, aliases, version
FROM objects FINAL
WHERE tenant = {tenant:String}
    AND ({object_type:String} = '' OR object_type = {object_type:String})
    AND ({object_state:String} = '' OR state = {object_state:String})
    AND ({text:String} = '' OR startsWith(lower(object_id), lower({text:String})))
    AND (NOT {resumed:Bool} OR (-toUnixTimestamp64Milli(last_at), object_type, object_id)
        > ({after_value:Int64}, {after_type:String}, {after_id:String}))
ORDER BY last_at DESC, object_type, object_id
LIMIT {limit:UInt64}
