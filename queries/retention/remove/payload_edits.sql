-- Rows of payload_edits stay for ever.
ALTER TABLE payload_edits REMOVE TTL
