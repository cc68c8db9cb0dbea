-- Edits of payloads go with the payloads, this many days after they were made.
ALTER TABLE payload_edits MODIFY TTL toDateTime(made_at) + toIntervalDay({days:UInt32}) SETTINGS materialize_ttl_after_modify = 0
