-- At start: the names of the objects that are neither held nor in an open workflow, of all tenants: in the store only.
-- The set of open members is built once in the server's memory; names stream by in the order of their key.
SELECT tenant, concat(object_type, '/', object_id) AS object
FROM objects FINAL
WHERE NOT held AND (tenant, object_type, object_id) NOT IN
    (
        SELECT tenant, splitByChar('/', member)[1] AS object_type, substring(member, position(member, '/') + 1) AS object_id
        FROM workflows FINAL
        ARRAY JOIN members AS member
        WHERE NOT closed
    )
ORDER BY tenant, object_type, object_id
