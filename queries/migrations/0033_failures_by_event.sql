-- Attempts of one message are found by its id, without reading the failures of all others.
ALTER TABLE failures ADD INDEX IF NOT EXISTS by_event event_id TYPE bloom_filter(0.01)
