-- Rows of replays stay for ever.
ALTER TABLE replays REMOVE TTL
