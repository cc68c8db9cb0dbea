-- At start: which exceptions are there that are not closed, in which workflow, and what was last written of them?
-- Narrow columns of all tenants, streamed in the order of the key.
SELECT tenant, 'exception' AS what, concat(root_type, '/', root_id) AS root, id AS name, mark
FROM exceptions FINAL
WHERE NOT closed
ORDER BY tenant, id
