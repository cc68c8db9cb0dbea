-- Rows of replay_items stay for ever.
ALTER TABLE replay_items REMOVE TTL
