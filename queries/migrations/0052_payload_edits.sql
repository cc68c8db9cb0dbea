-- Other versions of payloads that failed, made by people; the original stays in payloads. The id is made of payload,
-- record and body, so that the same edit is one edit.
CREATE TABLE IF NOT EXISTS payload_edits
(
    tenant LowCardinality(String),
    payload UInt64,
    record UInt32,
    id String,
    body String CODEC(ZSTD(1)),
    by String,
    made_at DateTime64(3, 'UTC'),
    problems String CODEC(ZSTD(1)),
    INDEX by_id id TYPE bloom_filter(0.01)
)
ENGINE = ReplacingMergeTree(made_at)
ORDER BY (tenant, payload, record, id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
