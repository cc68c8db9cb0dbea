-- At start: the highest version that any snapshot has, so that ours go on above it.
-- One column of two tables.
SELECT max(version) AS version FROM (SELECT version FROM objects UNION ALL SELECT version FROM workflows)
