-- How does a table stand now? Tells whether its time to live has to be altered.
SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = {table:String}
