-- Finds who names an object that nothing was said about yet, without reading every object.
ALTER TABLE objects ADD INDEX IF NOT EXISTS by_links links TYPE bloom_filter(0.01) GRANULARITY 1
;
ALTER TABLE objects MATERIALIZE INDEX by_links
