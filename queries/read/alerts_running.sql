-- At start: which alerts have been told and may begin anew, of all tenants?
-- One row for each cause that was ever told.
SELECT tenant, key, route, title, severity, state, round, opened_at AS opened_ms, changed_at AS changed_ms, exceptions,
    told, version
FROM alerts FINAL
ORDER BY tenant, key
