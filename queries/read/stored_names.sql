-- At start: what is in the store and not yet in memory? Hashes of the names of all objects that are described or named.
-- Narrow columns of all tenants, streamed. Older versions of a row name at most too much, so none is left out.
SELECT tenant, xxh3(arrayJoin(arrayPushBack(links, concat(object_type, '/', object_id)))) AS name
FROM objects
