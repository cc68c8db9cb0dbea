-- Which objects name these? Of what was named before anything was said about it.
-- The index on links leaves few granules; older versions of a row may find one too much, which does no harm.
SELECT DISTINCT object_type, object_id
FROM objects
WHERE tenant = {tenant:String} AND hasAny(links, {names:Array(String)})
