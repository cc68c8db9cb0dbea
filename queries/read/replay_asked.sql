-- Which job did the request with this key begin, and what stood in the request?
-- The table is small: one row a job. A draft that was never confirmed began nothing.
SELECT id, JSONExtractString(options, 'asked') AS asked
FROM replays FINAL
WHERE tenant = {tenant:String} AND state != 'draft' AND startsWith(JSONExtractString(options, 'asked'), {key:String})
ORDER BY id
LIMIT 1
