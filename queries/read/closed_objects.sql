-- Which objects are in the store and not open? At a start they are only noted, and read when an event names one.
SELECT toString(tenant) AS tenant, concat(object_type, '/', object_id) AS object
FROM objects FINAL
WHERE NOT held AND notEmpty(workflows) AND (tenant, concat(object_type, '/', object_id)) NOT IN (
    SELECT tenant, arrayJoin(members) FROM workflows FINAL WHERE NOT closed
)
