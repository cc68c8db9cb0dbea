-- What are these workflows worth?
-- Roots lead the key.
SELECT root_type, root_id, ifNull(amount, 0) AS amount, currency
FROM workflows FINAL
WHERE tenant = {tenant:String} AND (root_type, root_id) IN {objects:Array(Tuple(String, String))}
