-- Rows of objects stay for ever.
ALTER TABLE objects REMOVE TTL
