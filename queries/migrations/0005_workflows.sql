-- The latest snapshot of each workflow, flat: lists, counts and the board read this and never the events.
-- The key begins with the root object, because a detail page asks by it; the definition ends it, for an object may
-- be the root of two.
CREATE TABLE IF NOT EXISTS workflows
(
    tenant LowCardinality(String),
    root_type LowCardinality(String),
    root_id String CODEC(ZSTD(1)),
    definition LowCardinality(String),
    definition_version UInt32 CODEC(ZSTD(1)),
    status LowCardinality(String),
    stage LowCardinality(String),
    stage_title LowCardinality(String),
    stage_number UInt8,
    stage_count UInt8,
    next LowCardinality(String),
    next_title LowCardinality(String),
    waiting_for LowCardinality(String),
    customer String CODEC(ZSTD(1)),
    amount Nullable(Decimal(38, 6)) CODEC(ZSTD(1)),
    currency LowCardinality(String),
    priority LowCardinality(String),
    warehouse LowCardinality(String),
    carrier LowCardinality(String),
    created_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    updated_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    closed Bool,
    last_type LowCardinality(String),
    last_system LowCardinality(String),
    last_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    due_at Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    warn_at Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    sla LowCardinality(String),
    blocked_code LowCardinality(String),
    blocked_what String CODEC(ZSTD(1)),
    exceptions Array(LowCardinality(String)),
    readiness LowCardinality(String),
    members Array(String) CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, root_type, root_id, definition)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
