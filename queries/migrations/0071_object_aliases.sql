-- Other numbers of an object, as they are told apart: `wms:W-7`. For its page; the names themselves have rows.
ALTER TABLE objects ADD COLUMN IF NOT EXISTS aliases Array(String) CODEC(ZSTD(1)) AFTER same_as
