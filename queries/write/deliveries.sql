-- Every delivery that was planned or tried. The block itself follows; store/write/exceptions.rs fills the same columns in the same order.
INSERT INTO deliveries
    (tenant, id, alert, receiver, channel, action, subject, state, attempts, created_at, tried_at, next_at, answer,
    notice, version)
FORMAT Native
