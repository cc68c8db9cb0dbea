-- Rows of failures stay for ever.
ALTER TABLE failures REMOVE TTL
