-- These exceptions.
-- Ids end the key: a granule each at most.
SELECT tenant, id, kind, severity, object_type, object_id, root_type, root_id, detail, system, feeds, blocking,
    since AS since_ms, known_at AS known_ms, state, closed, closed_at AS closed_ms, closed_by, closed_kind, occurrence,
    owner, team, reason, comments, until AS until_ms, acknowledge_by AS acknowledge_by_ms, resolve_by AS resolve_by_ms,
    customer, warehouse, carrier, orders, customers, amount, currency, money, mark, version
FROM exceptions FINAL
WHERE tenant = {tenant:String} AND has({ids:Array(String)}, id) AND id IN {ids:Array(String)}
ORDER BY id
