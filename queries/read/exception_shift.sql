-- What happened since a moment: how many exceptions came, how many of those are clocks that ran out, how many were closed?
-- One tenant's narrow columns.
SELECT countIf(known_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')) AS came,
    countIf(kind = 'sla_breached' AND known_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')) AS late,
    countIf(closed AND closed_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')) AS went
FROM exceptions FINAL
WHERE tenant = {tenant:String}
