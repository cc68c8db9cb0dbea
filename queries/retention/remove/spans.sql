-- Rows of spans stay for ever.
ALTER TABLE spans REMOVE TTL
