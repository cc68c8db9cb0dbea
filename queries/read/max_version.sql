-- At start: the highest version that any snapshot has, so that ours go on above it.
-- One column of four tables.
SELECT ifNull(max(version), 0) AS version FROM (SELECT version FROM objects UNION ALL SELECT version FROM workflows UNION ALL SELECT version FROM exceptions UNION ALL SELECT version FROM readiness)
