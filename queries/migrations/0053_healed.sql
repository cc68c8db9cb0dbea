-- Failed records that a replay has mended, with the effect seen. A failure whose (tenant, payload, index) stands here
-- is resolved; a record of 4294967295 stands for the whole payload.
CREATE TABLE IF NOT EXISTS healed
(
    tenant LowCardinality(String),
    payload UInt64,
    record UInt32,
    fingerprint UInt64,
    replay String,
    healed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(healed_at)
ORDER BY (tenant, payload, record)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
