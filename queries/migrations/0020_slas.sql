-- The latest snapshot of each clock of an SLA: one row per workflow, policy and object that it runs for. Lists of
-- breaches, attainment and previews read this and never the events.
-- The key begins as that of workflows does, so that the clocks of one workflow lie together; a clock that is no more
-- (its start was voided, its policy removed) stays as a row with the verdict `gone`.
CREATE TABLE IF NOT EXISTS slas
(
    tenant LowCardinality(String),
    root_type LowCardinality(String),
    root_id String CODEC(ZSTD(1)),
    definition LowCardinality(String),
    policy LowCardinality(String),
    object_type LowCardinality(String),
    object_id String CODEC(ZSTD(1)),
    variant LowCardinality(String),
    kind LowCardinality(String),
    title LowCardinality(String),
    why String CODEC(ZSTD(1)),
    from_step LowCardinality(String),
    to_step LowCardinality(String),
    system LowCardinality(String),
    customer String CODEC(ZSTD(1)),
    warehouse LowCardinality(String),
    carrier LowCardinality(String),
    lane LowCardinality(String),
    priority LowCardinality(String),
    amount Nullable(Decimal(38, 6)) CODEC(ZSTD(1)),
    currency LowCardinality(String),
    calendar LowCardinality(String),
    started_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    known_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    limit_ms Int64 CODEC(ZSTD(1)),
    paused_ms Int64 CODEC(ZSTD(1)),
    pauses Array(Int64) CODEC(ZSTD(1)),
    paused_since Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    warn_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    due_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    ended_at Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    verdict LowCardinality(String),
    first_verdict LowCardinality(String),
    open Bool,
    breaches UInt32 CODEC(ZSTD(1)),
    detected_at Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    detected_late Bool,
    cause LowCardinality(String),
    forecast_at Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    forecast_n UInt32 CODEC(ZSTD(1)),
    waived_by String CODEC(ZSTD(1)),
    waived_reason String CODEC(ZSTD(1)),
    mark UInt64 CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, root_type, root_id, definition, policy, object_type, object_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
