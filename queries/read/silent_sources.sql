-- Which sources are silent now?
-- The kind never changes for an id, so it is cut by kind before the newest row of each is taken: few rows of a narrow scan.
SELECT object_id AS source, system, blocking AS alone
FROM
(
    SELECT id, object_id, system, blocking, closed
    FROM exceptions
    WHERE tenant = {tenant:String} AND kind = 'source_silent'
    ORDER BY version DESC
    LIMIT 1 BY id
)
WHERE NOT closed
ORDER BY source
