-- Every alert that changed. The block itself follows; store/write/exceptions.rs fills the same columns in the same order.
INSERT INTO alerts
    (tenant, key, route, title, severity, state, round, opened_at, changed_at, exceptions, told, version)
FORMAT Native
