-- Snapshots of objects go this many days after their last event, unless they are still held.
ALTER TABLE objects MODIFY TTL toDateTime(last_at) + toIntervalDay({days:UInt32}) DELETE WHERE NOT held SETTINGS materialize_ttl_after_modify = 0
