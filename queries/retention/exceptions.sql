-- Closed exceptions go this many days after they were closed; open ones stay.
ALTER TABLE exceptions MODIFY TTL toDateTime(ifNull(closed_at, known_at)) + toIntervalDay({days:UInt32}) DELETE WHERE closed SETTINGS materialize_ttl_after_modify = 0
