-- One flush's payloads, to the letter. The block itself follows; store/write.rs fills the same columns in the same order.
INSERT INTO payloads
    (tenant, payload, received_at, form, source, key_id, headers, body, events, refused, rules)
FORMAT Native
