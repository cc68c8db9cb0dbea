-- One row per refused record. Payload ids grow with time, so (tenant, payload, index) is both the newest-first order
-- of the list, read backwards, and the look-up of one payload's refusals.
CREATE TABLE IF NOT EXISTS failures
(
    tenant LowCardinality(String),
    payload UInt64 CODEC(Delta(8), ZSTD(1)),
    `index` UInt32 CODEC(ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    stage LowCardinality(String),
    code LowCardinality(String),
    pointer String CODEC(ZSTD(1)),
    expected String CODEC(ZSTD(1)),
    found String CODEC(ZSTD(1)),
    detail String CODEC(ZSTD(1)),
    fingerprint UInt64 CODEC(ZSTD(1)),
    source LowCardinality(String),
    event_type LowCardinality(String),
    event_id String CODEC(ZSTD(1)),
    schema_version UInt32 CODEC(ZSTD(1)),
    object_type LowCardinality(String),
    object_id String CODEC(ZSTD(1)),
    INDEX by_fingerprint fingerprint TYPE bloom_filter(0.01),
    INDEX by_object object_id TYPE bloom_filter(0.01)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (tenant, payload, `index`)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
