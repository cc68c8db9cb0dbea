//! OTLP/gRPC: the three Export calls, as bytes.
//!
//! The framing is read here and not by tonic's codec: that decompresses without a ratio, answers INTERNAL to damaged
//! data, which then cannot be kept, and OUT_OF_RANGE to what is too large, which is sent again for ever. tonic carries
//! HTTP/2.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyDataStream;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::transport::Server;
use tonic::{Code, Status};

use super::answer::grpc;
use super::answer::otlp::Signal;
use super::counters::Door;
use super::gate::apart;
use super::media::{GRPC_TYPES, Packing, Tongue, essence, packing};
use super::stop::Stop;
use super::{Doors, headers};

mod frame;
mod incoming;

const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
const STREAMS_PER_CONNECTION: u32 = 100;
const WINDOW_BYTES: u32 = 1 << 20;

/// Serves until `shutdown`, then lets open calls finish for `drain_ms`.
pub async fn serve(
    listener: TcpListener,
    doors: Arc<Doors>,
    shutdown: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let settings = doors.settings();
    let drain = settings.drain_time();
    let header_bytes = u32::try_from(settings.header_bytes).unwrap_or(u32::MAX);
    let incoming = incoming::bounded(listener, settings.connections, settings.header_time());
    let server = Server::builder()
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES * 4)
        .http2_max_header_list_size(header_bytes)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .serve_with_incoming_shutdown(Exports { doors }, incoming, shutdown.clone().cancelled_owned());
    tokio::select! {
        ended = server => ended,
        () = async { shutdown.cancelled().await; tokio::time::sleep(drain).await } => Ok(()),
    }
}

#[derive(Clone)]
struct Exports {
    doors: Arc<Doors>,
}

impl Service<Request<Body>> for Exports {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let doors = self.doors.clone();
        Box::pin(async move { Ok(answer(doors, request).await) })
    }
}

async fn answer(doors: Arc<Doors>, request: Request<Body>) -> Response<Body> {
    if !speaks_grpc(&request) {
        doors.counters.answered(Door::OtlpGrpc, "NOT_GRPC");
        return grpc::not_grpc();
    }
    let result = match export(&doors, request).await {
        Ok(result) => result,
        Err(stop) => Err(grpc::of_stop(&stop, doors.retry_after_s(&stop))),
    };
    let code = result.as_ref().map_or_else(Status::code, |_| Code::Ok);
    doors.counters.answered(Door::OtlpGrpc, grpc::label(code));
    result.unwrap_or_else(grpc::into_response)
}

async fn export(doors: &Arc<Doors>, request: Request<Body>) -> Result<Result<Response<Body>, Status>, Stop> {
    let signal = signal(request.uri().path()).ok_or(Stop::NoSuchPath)?;
    let (head, body) = request.into_parts();
    let values = |name: &'static str| head.headers.get_all(name).into_iter();
    let mut pass = doors.admit(values("authorization").map(|value| value.as_bytes()))?;
    let announced_packing = packing(values("grpc-encoding").map(|value| value.to_str().unwrap_or("not text")))?;
    let pairs = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let kept = headers::kept(pairs, &doors.settings);

    let whole = doors.read_body(BodyDataStream::new(body), None, frame::PREFIX_BYTES, &mut pass).await?;
    let (packed, message) = frame::message(whole, doors.settings.body_bytes)?;
    let packing = match (packed, announced_packing) {
        (false, _) => Packing::Plain,
        (true, Packing::Plain) => return Err(Stop::BadFrame("compressed flag without grpc-encoding")),
        (true, packing) => packing,
    };
    let doors = doors.clone();
    let work = async move {
        let parcel = doors.open(pass, signal.form(Tongue::Protobuf), packing, message).await?;
        doors.hand_over(Door::OtlpGrpc, parcel, kept).await
    };
    Ok(grpc::of_taken(&apart(work).await?))
}

fn speaks_grpc(request: &Request<Body>) -> bool {
    let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok());
    let essence = essence(content_type.unwrap_or(""));
    request.method() == http::Method::POST && GRPC_TYPES.split(", ").any(|taken| taken == essence)
}

fn signal(path: &str) -> Option<Signal> {
    match path {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Some(Signal::Traces),
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Some(Signal::Logs),
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Some(Signal::Metrics),
        _ => None,
    }
}
