//! Why a request goes no further than the door. What to answer to it, `answer` decides.

use crate::pipeline::Pressure;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stop {
    #[error("send a key in the header `Authorization: Bearer KEY`")]
    NoKey,
    #[error("this key is not known here; it may have been revoked")]
    UnknownKey,
    #[error("this key may only read; make one to send with `milepost key create --tenant T --source S`")]
    ReadKey,
    #[error("a key in the address ends up in logs; send it in the header `Authorization: Bearer KEY`")]
    KeyInUrl,

    #[error("there is nothing at this path")]
    NoSuchPath,
    #[error("this path takes {allow} only")]
    WrongMethod { allow: &'static str },
    #[error("the headers are longer than {limit} bytes together")]
    HeadTooLarge { limit: usize },
    #[error("the address is longer than {limit} bytes")]
    UrlTooLong { limit: usize },
    #[error("content type {found:?} is not taken here; accepted: {accepted}")]
    MediaType { found: String, accepted: &'static str },
    #[error("charset {found:?} is not taken here; accepted: utf-8")]
    Charset { found: String },
    #[error("content encoding {found:?} is not taken here; accepted, one at a time: gzip, zstd, identity")]
    Encoding { found: String },

    #[error("the body is larger than {limit} bytes; send smaller batches")]
    BodyTooLarge { limit: usize },
    #[error("the body is larger than {limit} bytes after decompression; send smaller batches")]
    UnpackedTooLarge { limit: usize },
    #[error("the body grows more than {limit} times when decompressed")]
    RatioTooHigh { limit: usize },
    #[error("the body came too slowly")]
    TooSlow,
    #[error("the body ended before it was whole")]
    Broken,
    #[error("{0}")]
    BadFrame(&'static str),

    #[error("this key sends more than its rate; wait {wait_s} s")]
    Rate { wait_s: u64 },
    #[error("too many requests are in work")]
    Busy,
    #[error("nothing can be taken right now: {0}")]
    Pressure(#[from] Pressure),
    /// A fault of ours. The sender must keep its data and come back.
    #[error("something failed here; nothing is known to be stored")]
    Fault,

    #[error("an Idempotency-Key is 1 to 255 visible ASCII characters")]
    BadIdempotencyKey,
    #[error("this Idempotency-Key came before with another body")]
    OtherBody,
    #[error("the first request with this Idempotency-Key is still in work")]
    InWork,
}
