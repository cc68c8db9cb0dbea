-- One flush's calls per dependency and minute. The block itself follows; store/write.rs fills the same columns in the same order.
INSERT INTO dependency_minutes
    (tenant, dependency, minute, source, calls, errors, took, took_max_ms, last_at)
FORMAT Native
