-- The items of readiness of these orders.
-- The roots lead the key, so each reads a granule.
SELECT tenant, root_type, root_id, object_type, object_id, is_rest, state, reasons, why, system, next_step, customer,
    carrier, warehouse, amount, currency, billed, remaining, since AS since_ms, delivered_at AS delivered_ms,
    proof_at AS proof_ms, invoiced_at AS invoiced_ms, mark, version
FROM readiness FINAL
WHERE tenant = {tenant:String} AND (root_type, root_id) IN {objects:Array(Tuple(String, String))}
ORDER BY root_type, root_id, object_type, object_id
