-- Is the database there? Asked first, because a user of somebody else's server may not create one.
SELECT count() AS n FROM system.databases WHERE name = {database:String}
