-- Replay jobs as they stand: the newest version of each counts. Ids begin with their time, so the key is also the
-- newest-first order of the list, read backwards. Few rows, so no partitions.
CREATE TABLE IF NOT EXISTS replays
(
    tenant LowCardinality(String),
    id String,
    kind LowCardinality(String),
    state LowCardinality(String),
    through String,
    reason String,
    by String,
    words String,
    options String,
    selection UInt64,
    count UInt32,
    oldest_at DateTime64(3, 'UTC'),
    value String,
    excluded String,
    note String,
    proven UInt32,
    sent UInt32,
    failed UInt32,
    skipped UInt32,
    created_at DateTime64(3, 'UTC'),
    starts_at DateTime64(3, 'UTC'),
    started_at DateTime64(3, 'UTC'),
    finished_at DateTime64(3, 'UTC'),
    again_of String,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
