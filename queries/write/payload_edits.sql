-- Edits of payloads. The block itself follows; store/replays.rs fills the same columns in the same order.
INSERT INTO payload_edits
    (tenant, payload, record, id, body, by, made_at, problems, rules)
FORMAT Native
