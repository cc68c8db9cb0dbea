-- Rows of failures go after this many days. By our own clock, so that whole monthly parts go at once.
ALTER TABLE failures MODIFY TTL toDateTime(received_at) + toIntervalDay({days:UInt32}) SETTINGS materialize_ttl_after_modify = 0
