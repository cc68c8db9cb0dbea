-- New snapshots of groups of failures. The block itself follows; store/write.rs fills the same columns in the same order.
INSERT INTO failure_groups
    (tenant, group_id, fingerprints, stage, code, pointer, expected, found, detail, step, target, source, sources,
    event_types, n, last_hour, hours, objects, orders, workflows, customers, breached, at_risk, money,
    example_payload, example_index, first_at, last_at, mended, as_of, version)
FORMAT Native
