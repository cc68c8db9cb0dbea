-- Rows of source_minutes stay for ever.
ALTER TABLE source_minutes REMOVE TTL
