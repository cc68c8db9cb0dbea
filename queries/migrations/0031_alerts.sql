-- One cause on one route with who was told of it. Few rows: one for each cause that was ever told.
CREATE TABLE IF NOT EXISTS alerts
(
    tenant LowCardinality(String),
    key String CODEC(ZSTD(1)),
    route LowCardinality(String),
    title String CODEC(ZSTD(1)),
    severity LowCardinality(String),
    state LowCardinality(String),
    round UInt32 CODEC(ZSTD(1)),
    opened_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    changed_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    exceptions UInt64 CODEC(ZSTD(1)),
    told String CODEC(ZSTD(1)),
    version UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, key)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
