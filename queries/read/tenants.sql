-- Which tenants have data? One row each; the tenant leads the sorting key.
SELECT DISTINCT toString(tenant) AS tenant
FROM source_minutes
ORDER BY tenant
