-- Which migrations have been run here, and what they said then?
SELECT name, hash FROM schema_migrations FINAL ORDER BY name
