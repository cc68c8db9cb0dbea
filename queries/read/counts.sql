-- The small numbers beside the navigation: breached, at risk, blocked, held, and failures of the last day.
SELECT
    (SELECT countIf(status = 'breached') FROM workflows FINAL WHERE tenant = {tenant:String}) AS breached,
    (SELECT countIf(status = 'at_risk') FROM workflows FINAL WHERE tenant = {tenant:String}) AS at_risk,
    (SELECT count() FROM workflows FINAL WHERE tenant = {tenant:String} AND NOT closed) AS open,
    (SELECT count() FROM objects FINAL WHERE tenant = {tenant:String} AND held) AS held,
    (SELECT uniqExact(fingerprint) FROM failures WHERE tenant = {tenant:String} AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64})) AS failure_groups,
    (SELECT count() FROM failures WHERE tenant = {tenant:String} AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64})) AS failures
