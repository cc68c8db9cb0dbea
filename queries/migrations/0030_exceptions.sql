-- Each exception with what became of it: lists, counts and pages read this and never the events.
-- The key is the exception's own id, which is the same for the same cause, so that it is one row however often it comes
-- and goes. The index on the version lets readers that follow changes skip what they have seen; that on the root finds
-- what a page of workflows carries. A page of the queue reads a row here and a row there: small granules make that cheap.
CREATE TABLE IF NOT EXISTS exceptions
(
    tenant LowCardinality(String),
    id String CODEC(ZSTD(1)),
    kind LowCardinality(String),
    severity LowCardinality(String),
    object_type LowCardinality(String),
    object_id String CODEC(ZSTD(1)),
    root_type LowCardinality(String),
    root_id String CODEC(ZSTD(1)),
    detail String CODEC(ZSTD(1)),
    system LowCardinality(String),
    feeds Array(LowCardinality(String)),
    blocking Bool,
    since DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    known_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    state LowCardinality(String),
    closed Bool,
    closed_at Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    closed_by String CODEC(ZSTD(1)),
    closed_kind LowCardinality(String),
    occurrence UInt32 CODEC(ZSTD(1)),
    owner LowCardinality(String),
    team LowCardinality(String),
    reason LowCardinality(String),
    comments UInt32 CODEC(ZSTD(1)),
    until Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    acknowledge_by Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    resolve_by Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    customer String CODEC(ZSTD(1)),
    warehouse LowCardinality(String),
    carrier LowCardinality(String),
    orders UInt32 CODEC(ZSTD(1)),
    customers UInt32 CODEC(ZSTD(1)),
    amount Nullable(Decimal(38, 6)) CODEC(ZSTD(1)),
    currency LowCardinality(String),
    money Array(String) CODEC(ZSTD(1)),
    mark UInt64 CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1)),
    INDEX by_version version TYPE minmax GRANULARITY 1,
    INDEX by_root root_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, id)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
