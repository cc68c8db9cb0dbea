-- Lets copies go that were set aside before a moment.
ALTER TABLE workflows_frozen DELETE WHERE toInt64OrZero(splitByChar('@', tenant)[2]) < {before_ms:Int64}
