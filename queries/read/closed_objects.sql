-- At start: which objects are in the store and not open, of all tenants? They are only noted, and read when an event
-- names one. The set of open members is built once in the server's memory.
SELECT toString(tenant) AS tenant, concat(object_type, '/', object_id) AS object
FROM objects FINAL
WHERE NOT held AND (tenant, object_type, object_id) NOT IN
    (
        SELECT tenant, splitByChar('/', member)[1] AS object_type, substring(member, position(member, '/') + 1) AS object_id
        FROM workflows FINAL
        ARRAY JOIN members AS member
        WHERE NOT closed
    )
