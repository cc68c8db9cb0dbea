-- Rows of logs stay for ever.
ALTER TABLE logs REMOVE TTL
