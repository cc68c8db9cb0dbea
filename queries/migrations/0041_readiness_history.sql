-- Every snapshot of readiness that ever was: what the worklist showed at a moment, for the end of a month. The same rows
-- as `readiness`, none of them replaced; the version last in the key finds the newest before the moment.
CREATE TABLE IF NOT EXISTS readiness_history
(
    tenant LowCardinality(String),
    root_type LowCardinality(String),
    root_id String CODEC(ZSTD(1)),
    object_type LowCardinality(String),
    object_id String CODEC(ZSTD(1)),
    is_rest Bool,
    state LowCardinality(String),
    reasons Array(LowCardinality(String)),
    why String CODEC(ZSTD(3)),
    system LowCardinality(String),
    next_step LowCardinality(String),
    customer String CODEC(ZSTD(1)),
    carrier LowCardinality(String),
    warehouse LowCardinality(String),
    amount Nullable(Decimal(38, 6)) CODEC(ZSTD(1)),
    currency LowCardinality(String),
    billed Nullable(Decimal(38, 6)) CODEC(ZSTD(1)),
    remaining Nullable(Decimal(38, 6)) CODEC(ZSTD(1)),
    since Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    delivered_at Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    proof_at Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    invoiced_at Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    mark UInt64 CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (tenant, root_type, root_id, object_type, object_id, version)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
