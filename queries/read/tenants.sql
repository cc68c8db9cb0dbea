-- Which tenants are there?
-- Two short tables, one column that leads their keys.
SELECT DISTINCT tenant FROM (SELECT tenant FROM objects UNION DISTINCT SELECT tenant FROM source_minutes)
ORDER BY tenant
