-- One flush's counts per source and minute. The block itself follows; store/write.rs fills the same columns in the same order.
INSERT INTO source_minutes
    (tenant, source, minute, form, system, events, records, duplicates, refused, errors, bytes, lag_sum_ms, lag_max_ms, last_at,
    contracts, lags, late, ahead, ahead_max_ms)
FORMAT Native
