-- What happened since a moment: how many exceptions came, how many of those are clocks that ran out, how many were closed?
-- One tenant's narrow columns. What was over before that moment (history that was loaded since) is not new.
WITH fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC') AS begun, known_at >= begun AND (NOT closed OR closed_at >= begun) AS new
SELECT countIf(new) AS came, countIf(new AND kind = 'sla_breached') AS late,
    countIf(closed AND closed_at >= begun) AS went
FROM exceptions FINAL
WHERE tenant = {tenant:String}
