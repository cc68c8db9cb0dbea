-- One flush's refused records. The block itself follows; store/write.rs fills the same columns in the same order.
INSERT INTO failures
    (tenant, payload, `index`, received_at, stage, code, pointer, expected, found, detail, fingerprint,
    source, event_type, event_id, schema_version, object_type, object_id, offset, attempts, target, step, trace_id)
FORMAT Native
