-- Sets all exceptions of a tenant aside as they stand, under the tenant and the moment. One answer of the database, so nothing
-- changes in between. The inner question is by the tenant's own name, the outer one gives the other.
INSERT INTO exceptions_frozen
SELECT * REPLACE (concat(tenant, '@', toString({at_ms:Int64})) AS tenant)
FROM (SELECT * FROM exceptions FINAL WHERE tenant = {tenant:String})
