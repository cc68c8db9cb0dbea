-- Bodies to the letter, accepted and refused. Asked for by id only, so sorted by id; small granules, because a row
-- can be megabytes and a look-up reads a whole granule.
CREATE TABLE IF NOT EXISTS payloads
(
    tenant LowCardinality(String),
    payload UInt64 CODEC(Delta(8), ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    form LowCardinality(String),
    source LowCardinality(String),
    key_id LowCardinality(String),
    headers Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    body String CODEC(ZSTD(1)),
    events UInt32 CODEC(ZSTD(1)),
    refused UInt32 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (tenant, payload)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1,
    index_granularity_bytes = 1048576
