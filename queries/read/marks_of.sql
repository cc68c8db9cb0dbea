-- What was last written of these workflows' exceptions, items to bill and discrepancies?
-- For workflows that come back into memory; the root leads the key, or an index finds it.
SELECT tenant, if(closed, 'closed', 'exception') AS what, concat(root_type, '/', root_id) AS root, id AS name, mark
FROM exceptions FINAL
WHERE tenant = {tenant:String} AND (root_type, root_id) IN {objects:Array(Tuple(String, String))}
UNION ALL
SELECT tenant, 'readiness' AS what, concat(root_type, '/', root_id) AS root, concat(object_type, '/', object_id) AS name, mark
FROM readiness FINAL
WHERE tenant = {tenant:String} AND state != 'gone' AND (root_type, root_id) IN {objects:Array(Tuple(String, String))}
UNION ALL
SELECT tenant, 'reconciliation' AS what, concat(root_type, '/', root_id) AS root,
    concat(kind, '\n', object_type, '/', object_id, '\n', line) AS name, mark
FROM reconciliation FINAL
WHERE tenant = {tenant:String} AND state != 'gone' AND (root_type, root_id) IN {objects:Array(Tuple(String, String))}
