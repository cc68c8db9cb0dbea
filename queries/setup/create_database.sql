-- Our own database, away from the server's `default`.
CREATE DATABASE IF NOT EXISTS {database:Identifier}
