-- One flush's metric points. The block itself follows; store/write.rs fills the same columns in the same order.
INSERT INTO points
    (tenant, source, name, time, unit, kind, service, value, count, bounds, buckets, attributes,
    received_at)
FORMAT Native
