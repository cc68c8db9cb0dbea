-- Rows of dependency_minutes stay for ever.
ALTER TABLE dependency_minutes REMOVE TTL
