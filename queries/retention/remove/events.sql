-- Rows of events stay for ever.
ALTER TABLE events REMOVE TTL
