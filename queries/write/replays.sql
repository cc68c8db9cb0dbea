-- Replay jobs as they stand now. The block itself follows; store/replays.rs fills the same columns in the same order.
INSERT INTO replays
    (tenant, id, kind, state, through, reason, by, words, options, selection, count, oldest_at, value, excluded, note,
    proven, sent, failed, skipped, created_at, starts_at, started_at, finished_at, again_of, version)
FORMAT Native
