-- Was this very action asked for before?
-- The table is small: one row a job.
SELECT tenant, id, kind, state, through, reason, by, words, options, selection, count, oldest_at AS oldest_ms, value, excluded,
    note, proven, sent, failed, skipped, created_at AS created_ms, starts_at AS starts_ms, started_at AS started_ms,
    finished_at AS finished_ms, again_of, version
FROM replays FINAL
WHERE tenant = {tenant:String} AND kind = 'action' AND selection = {selection:UInt64}
ORDER BY id
LIMIT 1
