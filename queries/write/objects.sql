-- A snapshot of every object that the flush touched. The block itself follows; store/write.rs fills the same columns in the same order.
INSERT INTO objects
    (tenant, object_type, object_id, state, events, first_at, last_at, last_type, last_source,
    last_system, held, held_since, waits_for, links, workflows, same_as, aliases, version)
FORMAT Native
