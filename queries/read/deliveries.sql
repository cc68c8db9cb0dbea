-- What was sent lately, or what failed?
-- One tenant's log; what is said is read for the page only.
SELECT tenant, id, alert, receiver, channel, action, subject, state, attempts, created_at AS created_ms,
    tried_at AS tried_ms, next_at AS next_ms, answer, notice, version
FROM deliveries FINAL
WHERE tenant = {tenant:String} AND (empty({state:Array(String)}) OR has({state:Array(String)}, state))
ORDER BY created_at DESC, id
LIMIT {limit:UInt64}
