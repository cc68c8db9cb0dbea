-- A snapshot of every clock that the flush changed. The block itself follows; store/write/slas.rs fills the same columns in the same order.
INSERT INTO slas
    (tenant, root_type, root_id, definition, policy, object_type, object_id, variant, kind, title, why, from_step,
    to_step, system, customer, warehouse, carrier, lane, priority, amount, currency, calendar, started_at, known_at,
    limit_ms, paused_ms, pauses, paused_since, warn_at, due_at, ended_at, verdict, first_verdict, open, breaches,
    detected_at, detected_late, cause, forecast_at, forecast_n, waived_by, waived_reason, mark, version)
FORMAT Native
