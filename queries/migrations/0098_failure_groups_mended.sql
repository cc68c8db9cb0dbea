-- How many failures of a group has a replay mended? Beside `n`, which counts all of them.
ALTER TABLE failure_groups ADD COLUMN IF NOT EXISTS mended UInt64
