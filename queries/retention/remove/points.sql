-- Rows of points stay for ever.
ALTER TABLE points REMOVE TTL
