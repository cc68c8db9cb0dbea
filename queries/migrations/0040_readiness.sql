-- What can be billed and what cannot: the latest snapshot of each billable order or shipment. Lists, totals and exports
-- read this and never the events. The key is the order and what of it is billed; a row of state `gone` is no longer so.
CREATE TABLE IF NOT EXISTS readiness
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
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, root_type, root_id, object_type, object_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
