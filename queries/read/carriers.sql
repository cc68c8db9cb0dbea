-- Is the carrier late: how do the open workflows of each carrier stand, and when was it heard last?
-- One tenant's open workflows; a row a carrier, the worst first.
SELECT
    carrier, count() AS open, countIf(status = 'breached') AS breached, countIf(status = 'at_risk') AS at_risk,
    countIf(has(['departed', 'shipped'], stage)) AS on_the_way,
    maxIf(last_at, has(['tms', 'carrier'], last_system)) AS last_ms
FROM workflows FINAL
WHERE tenant = {tenant:String} AND NOT closed AND carrier != ''
GROUP BY carrier
ORDER BY breached DESC, at_risk DESC, open DESC, carrier
LIMIT {limit:UInt64}
