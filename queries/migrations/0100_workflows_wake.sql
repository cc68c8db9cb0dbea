-- When time alone changes a workflow next, and a hash of what its row says: after a start its clock runs before it is read
-- back, and it is written again only when it says something else. Null and 0 in rows that were written before.
ALTER TABLE workflows
    ADD COLUMN IF NOT EXISTS wakes_at Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)) AFTER members,
    ADD COLUMN IF NOT EXISTS mark UInt64 CODEC(ZSTD(1)) AFTER wakes_at
;
ALTER TABLE workflows_frozen
    ADD COLUMN IF NOT EXISTS wakes_at Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)) AFTER members,
    ADD COLUMN IF NOT EXISTS mark UInt64 CODEC(ZSTD(1)) AFTER wakes_at
