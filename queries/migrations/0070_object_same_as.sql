-- Another name of an object leads to the one that it is shown under; empty for the shown one.
ALTER TABLE objects ADD COLUMN IF NOT EXISTS same_as String CODEC(ZSTD(1)) AFTER workflows
