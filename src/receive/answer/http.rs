//! An HTTP answer as a plain value, and its way into the web framework.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use bytes::Bytes;

use super::super::stop::Stop;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::receive) struct Answer {
    pub(in crate::receive) status: u16,
    pub(in crate::receive) content_type: &'static str,
    pub(in crate::receive) headers: Vec<(&'static str, String)>,
    pub(in crate::receive) body: Bytes,
}

impl Answer {
    pub(in crate::receive) fn new(status: u16, content_type: &'static str, body: Bytes) -> Self {
        Self { status, content_type, headers: Vec::new(), body }
    }

    pub(in crate::receive) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds the headers that belong to a stop in both HTTP protocols.
    pub(in crate::receive) fn for_stop(self, stop: &Stop, retry_after_s: Option<u64>) -> Self {
        let answer = match stop {
            Stop::NoKey => self.with("www-authenticate", "Bearer realm=\"milepost\""),
            Stop::UnknownKey => self.with("www-authenticate", "Bearer realm=\"milepost\", error=\"invalid_token\""),
            Stop::WrongMethod { allow } => self.with("allow", *allow),
            Stop::Encoding { .. } => self.with("accept-encoding", "gzip, zstd, identity"),
            _ => self,
        };
        match retry_after_s {
            Some(seconds) => answer.with("retry-after", seconds.to_string()),
            None => answer,
        }
    }

    /// Whether the same request would get the same answer for ever: taken, or unreadable and kept.
    pub(in crate::receive) fn is_final(&self) -> bool {
        matches!(self.status, super::OK | super::BAD_REQUEST | super::TOO_LARGE)
    }

    /// `unread` is what may be left of the request's body: see `Holding`.
    pub(in crate::receive) fn into_response(self, unread: Option<web::Payload>) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let mut response = HttpResponse::build(status);
        response.insert_header(("content-type", self.content_type));
        response.insert_header(("cache-control", "no-store"));
        response.insert_header(("x-content-type-options", "nosniff"));
        for (name, value) in self.headers {
            response.insert_header((name, value));
        }
        match unread {
            None => response.body(self.body),
            Some(unread) => response.body(Holding { text: self.body, _unread: unread }),
        }
    }
}

/// A body that keeps the unread rest of the request until it is sent. The framework then closes the connection after the
/// answer; were the rest dropped before, it would go on reading a chunked body without end.
struct Holding {
    text: Bytes,
    _unread: web::Payload,
}

impl MessageBody for Holding {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.text.len() as u64)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let text = std::mem::take(&mut self.get_mut().text);
        Poll::Ready((!text.is_empty()).then_some(Ok(text)))
    }
}
