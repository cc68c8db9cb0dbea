-- What the items of a replay came to goes this many days after its last change; the version is the time of it in microseconds.
ALTER TABLE replay_items MODIFY TTL toDateTime(intDiv(version, 1000000)) + toIntervalDay({days:UInt32}) SETTINGS materialize_ttl_after_modify = 0
