-- Every exception that the flush changed. The block itself follows; store/write/exceptions.rs fills the same columns in the same order.
INSERT INTO exceptions
    (tenant, id, kind, severity, object_type, object_id, root_type, root_id, detail, system, feeds, blocking,
    since, known_at, state, closed, closed_at, closed_by, closed_kind, occurrence, owner, team, reason, comments,
    until, acknowledge_by, resolve_by, customer, warehouse, carrier, orders, customers, amount, currency, money,
    mark, version)
FORMAT Native
