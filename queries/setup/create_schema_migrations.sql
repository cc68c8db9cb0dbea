-- Which migrations have been run here. A handful of rows, sorted by name.
CREATE TABLE IF NOT EXISTS schema_migrations
(
    name String,
    hash String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
