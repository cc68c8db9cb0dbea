-- What changed about exceptions after this version, of all tenants?
-- The index on the version leaves the newest parts only. At version 0 it is what is not closed.
SELECT tenant, id, kind, severity, object_type, object_id, root_type, root_id, detail, system, feeds, blocking,
    since AS since_ms, known_at AS known_ms, state, closed, closed_at AS closed_ms, closed_by, closed_kind, occurrence,
    owner, team, reason, comments, until AS until_ms, acknowledge_by AS acknowledge_by_ms, resolve_by AS resolve_by_ms,
    customer, warehouse, carrier, orders, customers, amount, currency, money, mark, version
FROM exceptions FINAL
WHERE version > {version:UInt64} AND ({version:UInt64} > 0 OR NOT closed)
ORDER BY version
