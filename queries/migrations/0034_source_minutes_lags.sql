-- How late events came, as counts by size (four sizes a doubling, so that 50 and 95 in 100 can be told), how many came
-- late, and how many from the future: a clock that goes wrong.
ALTER TABLE source_minutes
    ADD COLUMN IF NOT EXISTS lags SimpleAggregateFunction(sumMap, Map(UInt8, UInt64)) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS late SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS ahead SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS ahead_max_ms SimpleAggregateFunction(max, Int64) CODEC(ZSTD(1))
