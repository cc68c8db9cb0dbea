-- Failed records that a replay has mended. The block itself follows; store/replays.rs fills the same columns in the same order.
INSERT INTO healed
    (tenant, payload, record, fingerprint, replay, healed_at)
FORMAT Native
