-- What else is known of a failure: the byte at which reading ended (-1: none), how often it was tried, where it could not
-- be brought, the step that failed (a span's name, or the sentence of middleware without its values), its trace.
ALTER TABLE failures
    ADD COLUMN IF NOT EXISTS offset Int64 DEFAULT -1 CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS attempts UInt32 DEFAULT 0 CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS target LowCardinality(String) DEFAULT '',
    ADD COLUMN IF NOT EXISTS step LowCardinality(String) DEFAULT '',
    ADD COLUMN IF NOT EXISTS trace_id String DEFAULT '' CODEC(ZSTD(1))
