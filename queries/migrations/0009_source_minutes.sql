-- What a source sent in one minute. Each flush adds a row; merges fold those of one minute into one, and reading sums
-- what is not merged yet. A repeated batch is dropped by its token before it could be added twice.
CREATE TABLE IF NOT EXISTS source_minutes
(
    tenant LowCardinality(String),
    source LowCardinality(String),
    minute DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    form LowCardinality(String),
    system LowCardinality(String),
    events SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    records SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    duplicates SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    refused SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    errors SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    bytes SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    lag_sum_ms SimpleAggregateFunction(sum, Int64) CODEC(ZSTD(1)),
    lag_max_ms SimpleAggregateFunction(max, Int64) CODEC(ZSTD(1)),
    last_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    contracts SimpleAggregateFunction(groupUniqArrayArray, Array(String)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (tenant, source, minute, form, system)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
