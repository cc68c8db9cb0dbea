//! What the doors answer. The only place in this room where status codes are chosen.
//!
//! On OTLP a 4xx, a 500 and an INTERNAL make the sender drop its data; so whatever is not the sender's own mistake is
//! answered with 429, 503, RESOURCE_EXHAUSTED or UNAVAILABLE and a time to wait, a fault of ours included.

pub(super) mod grpc;
pub(super) mod http;
pub(super) mod otlp;
pub(super) mod problem;
mod rpc;

use milepost_ingest::Refusal;
use tonic::Code;

use super::stop::Stop;

pub(super) const OK: u16 = 200;
const BAD_REQUEST: u16 = 400;
const TOO_LARGE: u16 = 413;
const UNAVAILABLE: u16 = 503;

/// How a stop or a refusal is told in each protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) http: u16,
    pub(super) grpc: Code,
    /// Stable, for programs.
    pub(super) code: &'static str,
    /// The same for people, whatever the request was.
    pub(super) title: &'static str,
}

#[rustfmt::skip]
pub(super) fn verdict(stop: &Stop) -> Verdict {
    let (http, grpc, code, title) = match stop {
        Stop::NoKey => (401, Code::Unauthenticated, "no_key", "A key is needed"),
        Stop::UnknownKey => (401, Code::Unauthenticated, "unknown_key", "The key is not known"),
        Stop::ReadKey => (403, Code::PermissionDenied, "read_key", "The key does not allow this"),
        Stop::KeyInUrl => (BAD_REQUEST, Code::InvalidArgument, "key_in_url", "A key must not stand in the address"),

        Stop::NoSuchPath => (404, Code::Unimplemented, "no_such_path", "Nothing here"),
        Stop::WrongMethod { .. } => (405, Code::Unimplemented, "wrong_method", "Another method is needed"),
        Stop::HeadTooLarge { .. } => (431, Code::ResourceExhausted, "headers_too_large", "Headers too large"),
        Stop::UrlTooLong { .. } => (414, Code::InvalidArgument, "url_too_long", "Address too long"),
        Stop::MediaType { .. } => (415, Code::InvalidArgument, "unsupported_media_type", "Content type not taken here"),
        Stop::Charset { .. } => (415, Code::InvalidArgument, "unsupported_charset", "Charset not taken here"),
        Stop::Encoding { .. } => (415, Code::Unimplemented, "unsupported_encoding", "Content encoding not taken here"),

        Stop::BodyTooLarge { .. } => (TOO_LARGE, Code::ResourceExhausted, "body_too_large", "Body too large"),
        Stop::UnpackedTooLarge { .. } => (TOO_LARGE, Code::ResourceExhausted, "unpacked_too_large", "Body too large after decompression"),
        Stop::RatioTooHigh { .. } => (TOO_LARGE, Code::ResourceExhausted, "ratio_too_high", "Body grows too much when decompressed"),
        Stop::TooSlow => (408, Code::Unavailable, "too_slow", "Body came too slowly"),
        Stop::Broken => (BAD_REQUEST, Code::Cancelled, "body_broken_off", "Body broken off"),
        Stop::BadFrame(_) => (BAD_REQUEST, Code::InvalidArgument, "bad_frame", "Not a gRPC message"),

        Stop::Rate { .. } => (429, Code::ResourceExhausted, "rate_limited", "Too many records"),
        Stop::Busy => (UNAVAILABLE, Code::Unavailable, "busy", "Too much in work"),
        Stop::Pressure(_) => (UNAVAILABLE, Code::Unavailable, "cannot_take_now", "Nothing can be taken right now"),
        Stop::Fault => (UNAVAILABLE, Code::Unavailable, "fault", "Something failed here"),

        Stop::BadIdempotencyKey => (BAD_REQUEST, Code::InvalidArgument, "bad_idempotency_key", "Not an Idempotency-Key"),
        Stop::OtherBody => (422, Code::InvalidArgument, "idempotency_key_reused", "Idempotency-Key used before for another body"),
        Stop::InWork => (409, Code::Aborted, "idempotency_key_in_work", "The first request is still in work"),
    };
    Verdict { http, grpc, code, title }
}

/// For a body of which nothing could be read.
fn unreadable(refusal: &Refusal) -> (u16, Code) {
    match refusal.code.as_str() {
        "too_many_items" => (TOO_LARGE, Code::ResourceExhausted),
        _ => (BAD_REQUEST, Code::InvalidArgument),
    }
}

/// 408 would make an OTLP sender drop what a slow network did not let through.
fn otlp_status(stop: &Stop) -> u16 {
    match stop {
        Stop::TooSlow => UNAVAILABLE,
        other => verdict(other).http,
    }
}

/// For the counters, which take fixed words only.
pub(super) fn label(status: u16) -> &'static str {
    const KNOWN: [(u16, &str); 16] = [
        (200, "200"),
        (400, "400"),
        (401, "401"),
        (403, "403"),
        (404, "404"),
        (405, "405"),
        (408, "408"),
        (409, "409"),
        (413, "413"),
        (414, "414"),
        (415, "415"),
        (422, "422"),
        (429, "429"),
        (431, "431"),
        (503, "503"),
        (504, "504"),
    ];
    KNOWN.iter().find(|(known, _)| *known == status).map_or("other", |(_, label)| label)
}

/// The sentence for people about a refused record or payload.
fn sentence(refusal: &Refusal) -> String {
    let Refusal { detail, code, pointer, expected, found, .. } = refusal;
    let place = if pointer.is_empty() { String::new() } else { format!(" at {pointer}") };
    format!("{detail} ({code}{place}: expected {expected}, found {found})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Pressure;

    #[test]
    fn what_is_no_mistake_of_the_sender_may_be_sent_again() {
        let ours = [
            Stop::Busy,
            Stop::Fault,
            Stop::TooSlow,
            Stop::Rate { wait_s: 1 },
            Stop::Pressure(Pressure::Full),
            Stop::Pressure(Pressure::Behind),
            Stop::Pressure(Pressure::Closed),
        ];
        for stop in ours {
            assert!(matches!(otlp_status(&stop), 429 | 503), "{stop:?}");
            assert!(matches!(verdict(&stop).grpc, Code::Unavailable | Code::ResourceExhausted), "{stop:?}");
        }
    }
}
