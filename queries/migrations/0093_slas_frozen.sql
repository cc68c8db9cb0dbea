-- Slas as a list of them stood when somebody froze it: whole copies, each under the tenant and the moment (`acme@1795348800123`
-- in the column of the tenant), so that lists ask them with the very queries that they ask `slas` with.
CREATE TABLE IF NOT EXISTS slas_frozen AS slas
ENGINE = ReplacingMergeTree(version)
PARTITION BY tenant
ORDER BY (tenant, root_type, root_id, definition, policy, object_type, object_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
