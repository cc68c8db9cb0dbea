-- At start: which discrepancies stand, and what was last written of them? Narrow columns of all tenants.
SELECT tenant, 'reconciliation' AS what, concat(root_type, '/', root_id) AS root,
    concat(kind, '\n', object_type, '/', object_id, '\n', line) AS name, mark
FROM reconciliation FINAL
WHERE state != 'gone'
