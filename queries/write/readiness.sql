-- Billable orders and shipments that the flush changed. The block itself follows; store/write/readiness.rs fills the same columns in the same order.
INSERT INTO readiness
    (tenant, root_type, root_id, object_type, object_id, is_rest, state, reasons, why, system, next_step, customer,
    carrier, warehouse, amount, currency, billed, remaining, since, delivered_at, proof_at, invoiced_at, mark, version)
FORMAT Native
