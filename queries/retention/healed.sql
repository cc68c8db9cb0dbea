-- Which failed records were mended is forgotten this many days after it.
ALTER TABLE healed MODIFY TTL toDateTime(healed_at) + toIntervalDay({days:UInt32}) SETTINGS materialize_ttl_after_modify = 0
