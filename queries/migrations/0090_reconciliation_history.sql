-- Every snapshot of a discrepancy that ever was: what did not match at a moment, for the end of a month. The same rows as
-- `reconciliation`, none of them replaced; the version last in the key finds the newest before the moment.
CREATE TABLE IF NOT EXISTS reconciliation_history
(
    tenant LowCardinality(String),
    root_type LowCardinality(String),
    root_id String CODEC(ZSTD(1)),
    kind LowCardinality(String),
    object_type LowCardinality(String),
    object_id String CODEC(ZSTD(1)),
    line String CODEC(ZSTD(1)),
    state LowCardinality(String),
    detail String CODEC(ZSTD(1)),
    expected String CODEC(ZSTD(1)),
    found String CODEC(ZSTD(1)),
    unit LowCardinality(String),
    value Nullable(Decimal(38, 6)) CODEC(ZSTD(1)),
    currency LowCardinality(String),
    figures Array(String) CODEC(ZSTD(1)),
    since DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    system LowCardinality(String),
    customer String CODEC(ZSTD(1)),
    carrier LowCardinality(String),
    evidence String CODEC(ZSTD(3)),
    mark UInt64 CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (tenant, root_type, root_id, kind, object_type, object_id, line, version)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
