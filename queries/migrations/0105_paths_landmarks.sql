-- What figures of weeks are made of, beside each path in columns of their own: when it came to what counts, what it is
-- worth, whether its promise was kept. A page adds up a million of them, so they are few, small and quickly unpacked (LZ4, and
-- what follows from the path is worked out once). `root` stands for the name where names are only compared.
-- Rows that are there are told again, with what other tables know; where that is not all, the next event of the workflow or
-- the next start tells the rest.
ALTER TABLE paths
    ADD COLUMN IF NOT EXISTS delivered_ms Int64 CODEC(Delta(8), LZ4) AFTER times,
    ADD COLUMN IF NOT EXISTS proved_ms Int64 CODEC(Delta(8), LZ4) AFTER delivered_ms,
    ADD COLUMN IF NOT EXISTS ready_ms Int64 CODEC(Delta(8), LZ4) AFTER proved_ms,
    ADD COLUMN IF NOT EXISTS invoiced_ms Int64 CODEC(Delta(8), LZ4) AFTER ready_ms,
    ADD COLUMN IF NOT EXISTS paid_ms Int64 CODEC(Delta(8), LZ4) AFTER invoiced_ms,
    ADD COLUMN IF NOT EXISTS amount Nullable(Decimal(38, 6)) CODEC(LZ4) AFTER paid_ms,
    ADD COLUMN IF NOT EXISTS currency LowCardinality(String) AFTER amount,
    ADD COLUMN IF NOT EXISTS cancelled Bool AFTER currency,
    ADD COLUMN IF NOT EXISTS promise LowCardinality(String) AFTER cancelled,
    ADD COLUMN IF NOT EXISTS last_ms Int64 MATERIALIZED times[-1] CODEC(Delta(8), LZ4),
    ADD COLUMN IF NOT EXISTS spent_s Array(UInt32) MATERIALIZED arrayMap(ms -> toUInt32(least(intDiv(greatest(ms, 0), 1000), 4294967295)), arrayDifference(times)) CODEC(LZ4),
    ADD COLUMN IF NOT EXISTS root UInt64 MATERIALIZED cityHash64(root_type, root_id) CODEC(NONE),
    MODIFY COLUMN created_at DateTime64(3, 'UTC') CODEC(Delta(8), LZ4)
;
-- A full merge now and then: what is read with FINAL costs several times as much while many parts overlap.
ALTER TABLE paths MODIFY SETTING min_age_to_force_merge_seconds = 600
;
INSERT INTO paths
    (tenant, definition, root_type, root_id, customer, warehouse, carrier, lane, priority, created_at, closed, steps, times,
    delivered_ms, proved_ms, ready_ms, invoiced_ms, paid_ms, amount, currency, cancelled, promise, version)
WITH
    (SELECT groupUniqArray((tenant, definition)) FROM paths WHERE has(steps, 'pod')) AS proving,
    clocks AS
    (
        SELECT tenant, root_type, root_id, definition, to_step, max(verdict IN ('met_late', 'breached')) AS is_late
        FROM slas FINAL
        WHERE to_step IN ('delivered', 'received', 'settled') AND kind != 'silence' AND verdict NOT IN ('gone', 'cancelled', 'open', 'at_risk')
        GROUP BY tenant, root_type, root_id, definition, to_step
    )
SELECT known.tenant, known.definition, known.root_type, known.root_id, known.customer, known.warehouse, known.carrier,
    known.lane, known.priority, known.created_at, known.closed, known.steps, known.times,
    known.times[indexOf(known.steps, known.goal)] AS delivered_ms,
    if(has(known.steps, 'pod') OR NOT has(proving, (known.tenant, known.definition)),
        known.times[indexOf(known.steps, if(has(known.steps, 'pod'), 'pod', 'delivered'))], 0) AS proved_ms,
    known.times[indexOf(known.steps, 'invoice_ready')] AS ready_ms,
    known.times[indexOf(known.steps, 'invoiced')] AS invoiced_ms,
    known.times[indexOf(known.steps, if(has(known.steps, 'paid'), 'paid', 'closed'))] AS paid_ms,
    flows.amount, flows.currency, flows.status = 'cancelled' AS cancelled,
    multiIf(clocks.root_id = '', '', clocks.is_late, 'late', 'kept') AS promise, known.version
FROM
(
    SELECT tenant, definition, root_type, root_id, customer, warehouse, carrier, lane, priority, created_at, closed, steps,
        times, version, multiIf(has(steps, 'delivered'), 'delivered', has(steps, 'received'), 'received', 'settled') AS goal
    FROM paths FINAL
) AS known
LEFT JOIN
(
    SELECT tenant, root_type, root_id, definition, amount, currency, status FROM workflows FINAL
) AS flows ON flows.tenant = known.tenant AND flows.root_type = known.root_type AND flows.root_id = known.root_id
    AND flows.definition = known.definition
LEFT JOIN clocks ON clocks.tenant = known.tenant AND clocks.root_type = known.root_type AND clocks.root_id = known.root_id
    AND clocks.definition = known.definition AND clocks.to_step = known.goal
;
OPTIMIZE TABLE paths FINAL
