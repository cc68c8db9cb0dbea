-- Exceptions in small granules: a page of the queue reads fifty of them, each from another place.
-- Copied and exchanged as workflows are in 0080.
CREATE TABLE IF NOT EXISTS exceptions_fine AS exceptions
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, id)
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 16384,
    non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
;
INSERT INTO exceptions_fine SELECT * FROM exceptions FINAL
;
EXCHANGE TABLES exceptions AND exceptions_fine
;
DROP TABLE exceptions_fine SYNC
