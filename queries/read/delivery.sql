-- One delivery.
-- Its id ends the key: one granule.
SELECT tenant, id, alert, receiver, channel, action, subject, state, attempts, created_at AS created_ms,
    tried_at AS tried_ms, next_at AS next_ms, answer, notice, version
FROM deliveries FINAL
WHERE tenant = {tenant:String} AND id = {id:String}
