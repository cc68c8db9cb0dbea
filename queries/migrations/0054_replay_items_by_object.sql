-- What was asked of other systems about one object is found by a bloom filter; most items belong to large replays.
ALTER TABLE replay_items ADD INDEX IF NOT EXISTS by_object object_id TYPE bloom_filter(0.01)
