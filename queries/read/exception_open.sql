-- How many exceptions has nobody taken yet?
-- One narrow column of one tenant's snapshots.
SELECT count() AS n FROM exceptions FINAL WHERE tenant = {tenant:String} AND state = 'open'
