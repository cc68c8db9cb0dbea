-- The latest snapshot of each group of failures, with what it means for the business. Computed anew from the failures and
-- the workflows themselves, so nothing in it is counted twice; lists read this and never the failures.
CREATE TABLE IF NOT EXISTS failure_groups
(
    tenant LowCardinality(String),
    group_id UInt64,
    fingerprints Array(UInt64),
    stage LowCardinality(String),
    code LowCardinality(String),
    pointer String CODEC(ZSTD(1)),
    expected String CODEC(ZSTD(1)),
    found String CODEC(ZSTD(1)),
    detail String CODEC(ZSTD(1)),
    step String CODEC(ZSTD(1)),
    target String CODEC(ZSTD(1)),
    source LowCardinality(String),
    sources Array(String),
    event_types Array(String),
    n UInt64,
    last_hour UInt64,
    hours Array(UInt64),
    objects UInt64,
    orders UInt64,
    workflows UInt64,
    customers UInt64,
    breached UInt64,
    at_risk UInt64,
    money Array(String),
    example_payload UInt64,
    example_index UInt32,
    first_at DateTime64(3, 'UTC'),
    last_at DateTime64(3, 'UTC'),
    as_of DateTime64(3, 'UTC'),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, group_id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1
