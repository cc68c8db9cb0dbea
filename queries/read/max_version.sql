-- At start: the highest version that any snapshot has, so that ours go on above it.
SELECT greatest((SELECT max(version) FROM objects), (SELECT max(version) FROM workflows)) AS version
