-- Replays go this many days after they were asked for.
ALTER TABLE replays MODIFY TTL toDateTime(created_at) + toIntervalDay({days:UInt32}) SETTINGS materialize_ttl_after_modify = 0
