-- What is the newest version among all snapshots? Versions must go on growing after a restart.
SELECT greatest((SELECT max(version) FROM workflows), (SELECT max(version) FROM objects)) AS version
