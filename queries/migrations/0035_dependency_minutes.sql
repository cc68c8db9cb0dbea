-- Calls of one system to another in one minute, as clients' spans tell them. Each flush adds a row; merges fold those of
-- one minute into one, and reading sums what is not merged yet. A repeated batch is dropped by its token.
CREATE TABLE IF NOT EXISTS dependency_minutes
(
    tenant LowCardinality(String),
    dependency LowCardinality(String),
    minute DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    source LowCardinality(String),
    calls SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    errors SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    took SimpleAggregateFunction(sumMap, Map(UInt8, UInt64)) CODEC(ZSTD(1)),
    took_max_ms SimpleAggregateFunction(max, Int64) CODEC(ZSTD(1)),
    last_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (tenant, dependency, minute, source)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
