-- The log of deliveries goes this many days after they were made.
ALTER TABLE deliveries MODIFY TTL toDateTime(created_at) + toIntervalDay({days:UInt32}) DELETE SETTINGS materialize_ttl_after_modify = 0
