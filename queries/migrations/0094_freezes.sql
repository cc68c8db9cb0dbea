-- Which lists were frozen, when and by whom: a list may be asked as of these moments and of no others.
CREATE TABLE IF NOT EXISTS freezes
(
    tenant LowCardinality(String),
    list LowCardinality(String),
    frozen_at DateTime64(3, 'UTC'),
    person String,
    rows UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, list, frozen_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
