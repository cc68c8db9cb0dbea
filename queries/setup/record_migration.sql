-- A migration has been run; its hash shows later whether its file was edited after its release.
INSERT INTO schema_migrations (name, hash) SELECT {name:String}, {hash:String}
