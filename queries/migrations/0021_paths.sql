-- How each workflow went: the milestones that it has reached, in the order in which it reached them, with the times.
-- Stage durations, variants of the path and forecasts read this; the definition leads, for each of those asks of one.
CREATE TABLE IF NOT EXISTS paths
(
    tenant LowCardinality(String),
    definition LowCardinality(String),
    root_type LowCardinality(String),
    root_id String CODEC(ZSTD(1)),
    customer String CODEC(ZSTD(1)),
    warehouse LowCardinality(String),
    carrier LowCardinality(String),
    lane LowCardinality(String),
    priority LowCardinality(String),
    created_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    closed Bool,
    steps Array(LowCardinality(String)),
    times Array(Int64) CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, definition, root_type, root_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
