-- Clocks in small granules.
-- A page reads a row here and a row there, each with all of its columns: a granule of 8,192 rows and blocks of 64 KiB made
-- it read half of the table for that. Copied into a table of small ones, which takes the old one's place; should a run be
-- cut off between the last two steps, the next one puts the old one back, whole.
CREATE TABLE IF NOT EXISTS slas_fine AS slas
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, root_type, root_id, definition, policy, object_type, object_id)
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 16384,
    non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
;
INSERT INTO slas_fine SELECT * FROM slas FINAL
;
EXCHANGE TABLES slas AND slas_fine
;
DROP TABLE slas_fine SYNC
