-- Snapshots of closed workflows go this many days after their last change; open ones stay.
ALTER TABLE workflows MODIFY TTL toDateTime(updated_at) + toIntervalDay({days:UInt32}) DELETE WHERE closed SETTINGS materialize_ttl_after_modify = 0
