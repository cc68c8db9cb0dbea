//! Doors: OTLP/gRPC, OTLP/HTTP and the events API. Authenticates, limits, and chooses the protocol's answer.
