-- Every accepted business event: the source of truth of all state.
-- Sorted by object, because a workflow is read as "all events of these objects"; neighbours then share object and
-- type, which halves the size against sorting by time. Partitioned by the month of our own clock, never by the
-- sender's: a batch of wild business times would open hundreds of partitions.
CREATE TABLE IF NOT EXISTS events
(
    tenant LowCardinality(String),
    object_type LowCardinality(String),
    object_id String CODEC(ZSTD(1)),
    occurred_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    offset_minutes Int16 CODEC(ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    event_type LowCardinality(String),
    schema_version UInt32 CODEC(ZSTD(1)),
    source LowCardinality(String),
    system LowCardinality(String),
    refs Array(String) CODEC(ZSTD(1)),
    data String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    payload UInt64 CODEC(Delta(8), ZSTD(1)),
    `index` UInt32 CODEC(ZSTD(1)),
    key_id LowCardinality(String),
    content UInt64 CODEC(ZSTD(1)),
    INDEX by_event event_id TYPE bloom_filter(0.01),
    INDEX by_trace trace_id TYPE bloom_filter(0.01),
    INDEX by_received received_at TYPE minmax
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (tenant, object_type, object_id, occurred_at, event_id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
