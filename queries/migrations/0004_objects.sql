-- The latest snapshot of each object, one version per flush that touched it. The key is the object's name; the
-- version is a total order, so that which row stays does not depend on the order of inserts.
CREATE TABLE IF NOT EXISTS objects
(
    tenant LowCardinality(String),
    object_type LowCardinality(String),
    object_id String CODEC(ZSTD(1)),
    state LowCardinality(String),
    events UInt32 CODEC(ZSTD(1)),
    first_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    last_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    last_type LowCardinality(String),
    last_source LowCardinality(String),
    last_system LowCardinality(String),
    held Bool,
    held_since DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    waits_for String CODEC(ZSTD(1)),
    links Array(String) CODEC(ZSTD(1)),
    workflows Array(String) CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, object_type, object_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
