//! The doors over real sockets: what is answered to good and bad requests, and what reaches the pipeline.
//! Behind them stands a recorder in the pipeline's place; journeys with the real one live elsewhere.
#![expect(clippy::unwrap_used, reason = "a test may end at what it did not expect")]

mod doors {
    mod dead_letters;
    mod events;
    mod hostile;
    mod idempotency;
    mod keys;
    mod otlp_grpc;
    mod otlp_http;
    mod pressure;
    mod recorder;
    mod rig;
}
