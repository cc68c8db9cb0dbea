-- Which groups that have one of these causes have nothing left that no replay has mended?
-- Failures of the groups' causes by their bloom filter; what was mended is small beside them.
WITH groups AS
(
    SELECT group_id, fingerprints, n
    FROM failure_groups FINAL
    WHERE tenant = {tenant:String} AND n > 0 AND hasAny(fingerprints, {causes:Array(UInt64)})
)
SELECT group_id, n
FROM groups
WHERE NOT hasAny(fingerprints,
    (
        SELECT groupUniqArray(fingerprint)
        FROM failures
        WHERE tenant = {tenant:String} AND fingerprint IN (SELECT arrayJoin(fingerprints) FROM groups)
            AND (payload, `index`) NOT IN (SELECT payload, record FROM healed WHERE tenant = {tenant:String})
            AND payload NOT IN (SELECT payload FROM healed WHERE tenant = {tenant:String} AND record = 4294967295)
    ))
ORDER BY group_id
