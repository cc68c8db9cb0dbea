-- Discrepancies that the flush changed. The block itself follows; store/write/readiness.rs fills the same columns in the same order.
INSERT INTO reconciliation_history
    (tenant, root_type, root_id, kind, object_type, object_id, line, state, detail, expected, found, unit, value,
    currency, figures, since, system, customer, carrier, evidence, mark, version)
FORMAT Native
