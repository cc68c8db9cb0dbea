-- The clocks of a policy that began in some time, for working out how they would have gone under other terms.
-- One policy's rows, the newest first, with a limit.
SELECT started_at AS started_ms, ended_at AS ended_ms, due_at AS due_ms, verdict, pauses, variant
FROM slas FINAL
WHERE tenant = {tenant:String} AND definition = {definition:String} AND policy = {policy:String}
    AND verdict NOT IN ('gone', 'cancelled') AND started_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
ORDER BY started_at DESC
LIMIT {limit:UInt64}
