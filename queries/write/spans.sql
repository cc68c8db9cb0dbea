-- One flush's spans. The block itself follows; store/write.rs fills the same columns in the same order.
INSERT INTO spans
    (tenant, trace_id, start, end, span_id, parent_span_id, name, kind, service, source, system, status,
    status_message, object_type, object_id, attributes, events, received_at, payload)
FORMAT Native
