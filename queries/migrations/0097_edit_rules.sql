-- By which version of contracts and mapping was an edit judged?
ALTER TABLE payload_edits ADD COLUMN IF NOT EXISTS rules LowCardinality(String)
