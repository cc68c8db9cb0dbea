-- Which exceptions do these workflows carry that are not closed?
-- For a page of workflows: the root is no part of the key, so narrow columns of one tenant are read, the rest for few rows.
SELECT tenant, id, kind, severity, object_type, object_id, root_type, root_id, detail, system, feeds, blocking,
    since AS since_ms, known_at AS known_ms, state, closed, closed_at AS closed_ms, closed_by, closed_kind, occurrence,
    owner, team, reason, comments, until AS until_ms, acknowledge_by AS acknowledge_by_ms, resolve_by AS resolve_by_ms,
    customer, warehouse, carrier, orders, customers, amount, currency, money, mark, version
FROM exceptions FINAL
WHERE tenant = {tenant:String} AND NOT closed AND (root_type, root_id) IN {objects:Array(Tuple(String, String))}
ORDER BY root_type, root_id, since
