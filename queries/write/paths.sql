-- The path of every workflow that reached something in the flush. The block itself follows; store/write/slas.rs fills the same columns in the same order.
INSERT INTO paths
    (tenant, definition, root_type, root_id, customer, warehouse, carrier, lane, priority, created_at, closed, steps,
    times, version)
FORMAT Native
