-- One flush's log records. The block itself follows; store/write.rs fills the same columns in the same order.
INSERT INTO logs
    (tenant, source, time, severity, service, body, trace_id, span_id, object_type, object_id,
    attributes, received_at, payload)
FORMAT Native
