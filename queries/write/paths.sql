-- The path of every workflow that reached something in the flush. The block itself follows; store/write/slas.rs fills the same columns in the same order.
INSERT INTO paths
    (tenant, definition, root_type, root_id, customer, warehouse, carrier, lane, priority, created_at, closed, steps,
    times, delivered_ms, proved_ms, ready_ms, invoiced_ms, paid_ms, amount, currency, cancelled, promise, version)
FORMAT Native
