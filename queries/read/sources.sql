-- How is each source doing? Sums of a day, the active minutes (for its usual silence), and the last hour by minute.
SELECT source, max(system_of) AS system, sum(m_events) AS events, sum(m_records) AS records, sum(m_duplicates) AS duplicates,
    sum(m_refused) AS refused, sum(m_errors) AS errors, sum(m_lag_sum) AS lag_sum_ms, max(m_lag_max) AS lag_max_ms,
    toUnixTimestamp64Milli(max(m_last)) AS last_ms,
    sumIf(m_records, minute_ms >= {hour_ago_ms:Int64}) AS hour_records,
    sumIf(m_refused + m_errors, minute_ms >= {hour_ago_ms:Int64}) AS hour_failed,
    arraySort(groupArrayIf(minute_ms, m_records > 0)) AS active_minutes,
    arraySort(groupArrayIf((minute_ms, m_records, m_refused + m_errors), minute_ms >= {hour_ago_ms:Int64})) AS hour,
    arraySort(groupUniqArrayArray(m_forms)) AS forms, arraySort(groupUniqArrayArray(m_contracts)) AS contracts
FROM (
    SELECT source, toUnixTimestamp64Milli(minute) AS minute_ms, toString(max(system)) AS system_of, sum(source_minutes.events) AS m_events,
        sum(source_minutes.records) AS m_records, sum(source_minutes.duplicates) AS m_duplicates, sum(source_minutes.refused) AS m_refused,
        sum(source_minutes.errors) AS m_errors, sum(source_minutes.lag_sum_ms) AS m_lag_sum, max(source_minutes.lag_max_ms) AS m_lag_max,
        max(source_minutes.last_at) AS m_last, groupUniqArray(toString(form)) AS m_forms,
        groupUniqArrayArray(source_minutes.contracts) AS m_contracts
    FROM source_minutes
    WHERE tenant = {tenant:String} AND minute >= fromUnixTimestamp64Milli({day_ago_ms:Int64})
    GROUP BY source, minute
)
GROUP BY source
ORDER BY system, source
