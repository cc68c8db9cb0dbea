-- One notice to one receiver: written before the first attempt and after each, so that a restart neither loses nor
-- repeats one.
CREATE TABLE IF NOT EXISTS deliveries
(
    tenant LowCardinality(String),
    id String CODEC(ZSTD(1)),
    alert String CODEC(ZSTD(1)),
    receiver LowCardinality(String),
    channel LowCardinality(String),
    action LowCardinality(String),
    subject String CODEC(ZSTD(1)),
    state LowCardinality(String),
    attempts UInt32 CODEC(ZSTD(1)),
    created_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    tried_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    next_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    answer String CODEC(ZSTD(1)),
    notice String CODEC(ZSTD(1)),
    version UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
