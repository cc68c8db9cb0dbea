//! Answers of OTLP/gRPC: one framed message and trailers, or a status with the time to wait in its details.

use ::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use prost::Message;
use tonic::body::Body;
use tonic::{Code, Status};

use super::super::cut;
use super::super::stop::Stop;
use super::otlp::{partial_success, unreadable_message};
use super::rpc::{self, ExportResponse, retry_info};
use super::{unreadable, verdict};
use crate::pipeline::Taken;

const MESSAGE_BYTES: usize = 1_000;
/// Compression flag and length.
const PREFIX_BYTES: usize = 5;

pub(in crate::receive) fn of_taken(taken: &Taken) -> Result<Response<Body>, Status> {
    if let Some(refusal) = &taken.unreadable {
        let (_, code) = unreadable(refusal);
        return Err(Status::new(code, unreadable_message(taken)));
    }
    let message = ExportResponse { partial_success: partial_success(taken) };
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + message.encoded_len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.encoded_len()).unwrap_or(u32::MAX));
    framed.put_slice(&message.encode_to_vec());
    Ok(ok(framed.freeze()))
}

pub(in crate::receive) fn of_stop(stop: &Stop, retry_after_s: Option<u64>) -> Status {
    let code = verdict(stop).grpc;
    let message = cut(&stop.to_string(), MESSAGE_BYTES).to_owned();
    let Some(seconds) = retry_after_s else { return Status::new(code, message) };
    let details = rpc::Status { code: code as i32, message: message.clone(), details: vec![retry_info(seconds)] };
    Status::with_details(code, message, details.encode_to_vec().into())
}

/// Not a gRPC request at all: told in HTTP, as the gRPC specification asks.
pub(in crate::receive) fn not_grpc() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response
}

/// For an encoding that is not taken, which ones are.
pub(in crate::receive) fn into_response(status: Status) -> Response<Body> {
    let unsupported = status.code() == Code::Unimplemented;
    let mut response = status.into_http::<Body>();
    if unsupported {
        response.headers_mut().insert("grpc-accept-encoding", HeaderValue::from_static("identity,gzip,zstd"));
    }
    response
}

pub(in crate::receive) fn label(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Unavailable => "UNAVAILABLE",
        Code::Unauthenticated => "UNAUTHENTICATED",
        _ => "OTHER",
    }
}

fn ok(framed: Bytes) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let mut response = Response::new(Body::new(Full::new(framed).with_trailers(async { Some(Ok(trailers)) })));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}
