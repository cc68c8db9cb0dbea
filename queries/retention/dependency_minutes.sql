-- What sources sent in a minute is forgotten after this many days.
ALTER TABLE dependency_minutes MODIFY TTL toDateTime(minute) + toIntervalDay({days:UInt32}) SETTINGS materialize_ttl_after_modify = 0
