-- Rows of healed stay for ever.
ALTER TABLE healed REMOVE TTL
