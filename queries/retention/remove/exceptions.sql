-- Rows of exceptions stay for ever.
ALTER TABLE exceptions REMOVE TTL
