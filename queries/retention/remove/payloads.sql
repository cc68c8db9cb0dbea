-- Rows of payloads stay for ever.
ALTER TABLE payloads REMOVE TTL
