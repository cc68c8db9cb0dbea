-- After a start: what was last written of exceptions that ended while their workflow goes on?
-- The set of open roots is built once; narrow columns of all tenants, streamed.
SELECT tenant, 'closed' AS what, concat(root_type, '/', root_id) AS root, id AS name, mark
FROM exceptions FINAL
WHERE closed AND (tenant, root_type, root_id) IN (SELECT tenant, root_type, root_id FROM workflows FINAL WHERE NOT closed)
