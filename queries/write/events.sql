-- One flush's accepted events. The block itself follows; store/write.rs fills the same columns in the same order.
INSERT INTO events
    (tenant, object_type, object_id, occurred_at, offset_minutes, received_at, event_id, event_type,
    schema_version, source, system, refs, data, trace_id, span_id, payload, `index`, key_id, content)
FORMAT Native
