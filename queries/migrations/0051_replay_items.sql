-- What each item of a replay came to: the newest version of each counts. One job is read as a whole, in its order;
-- what happened to one payload is found by the bloom filter.
CREATE TABLE IF NOT EXISTS replay_items
(
    tenant LowCardinality(String),
    replay String,
    position UInt32 CODEC(Delta(4), ZSTD(1)),
    payload UInt64 CODEC(ZSTD(1)),
    record UInt32 CODEC(ZSTD(1)),
    object_type LowCardinality(String),
    object_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    fingerprint UInt64 CODEC(ZSTD(1)),
    edit String CODEC(ZSTD(1)),
    body String CODEC(ZSTD(1)),
    state LowCardinality(String),
    attempts UInt32 CODEC(ZSTD(1)),
    next_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    code LowCardinality(String),
    detail String CODEC(ZSTD(1)),
    status UInt32 CODEC(ZSTD(1)),
    via LowCardinality(String),
    result String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    awaits String CODEC(ZSTD(1)),
    sent_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    due_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    settled_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    version UInt64 CODEC(ZSTD(1)),
    INDEX by_payload payload TYPE bloom_filter(0.01)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, replay, position)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
