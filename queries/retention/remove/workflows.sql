-- Rows of workflows stay for ever.
ALTER TABLE workflows REMOVE TTL
