-- Which replays of all tenants are to go on after a start?
-- A cancelled one that has not ended still looks for the effects of what was out. The table is small: one row a job.
SELECT tenant, id, kind, state, through, reason, by, words, options, selection, count, oldest_at AS oldest_ms, value, excluded,
    note, proven, sent, failed, skipped, created_at AS created_ms, starts_at AS starts_ms, started_at AS started_ms,
    finished_at AS finished_ms, again_of, version
FROM replays FINAL
WHERE state NOT IN ('draft', 'finished', 'cancelled') OR (state = 'cancelled' AND finished_at = toDateTime64(0, 3))
ORDER BY tenant, id
