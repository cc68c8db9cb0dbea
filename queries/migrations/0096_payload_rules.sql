-- By which version of contracts and mapping was a payload read? Made of their content; the texts are in the data folder.
-- Few values, so a dictionary; empty in rows of before.
ALTER TABLE payloads ADD COLUMN IF NOT EXISTS rules LowCardinality(String)
