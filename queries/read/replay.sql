-- How does this replay stand?
-- A look-up by the whole key.
SELECT tenant, id, kind, state, through, reason, by, words, options, selection, count, oldest_at AS oldest_ms, value, excluded,
    note, proven, sent, failed, skipped, created_at AS created_ms, starts_at AS starts_ms, started_at AS started_ms,
    finished_at AS finished_ms, again_of, version
FROM replays FINAL
WHERE tenant = {tenant:String} AND id = {replay:String}
