-- Rows of deliveries stay for ever.
ALTER TABLE deliveries REMOVE TTL
