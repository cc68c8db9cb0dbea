-- At start: which rows of readiness stand, and what was last written of them? Narrow columns of all tenants.
SELECT tenant, 'readiness' AS what, concat(root_type, '/', root_id) AS root, concat(object_type, '/', object_id) AS name, mark
FROM readiness FINAL
WHERE state != 'gone'
