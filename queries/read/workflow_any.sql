-- Is there any workflow?
-- The first row of one tenant's key, whichever version it is.
SELECT count() > 0 AS found FROM (SELECT 1 FROM workflows WHERE tenant = {tenant:String} LIMIT 1)
