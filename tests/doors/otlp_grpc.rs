//! OTLP/gRPC with the generated clients, and with frames that no client would send.

use bytes::Bytes;
use futures_util::StreamExt;
use http::Request;
use http_body_util::{BodyExt, Full, StreamBody};
use milepost::pipeline::{Form, Pressure, Taken};
use milepost::receive::Settings;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tokio::io::AsyncWriteExt;
use tonic::codec::CompressionEncoding;
use tonic::codegen::Service;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use super::recorder::{Mood, refusal};
use super::rig::{Rig, gzip, read_to_end, until};

const EXPORT_TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

async fn channel(rig: &Rig) -> Channel {
    Channel::from_shared(format!("http://{}", rig.grpc)).unwrap().connect().await.unwrap()
}

fn spans(name: &str) -> ExportTraceServiceRequest {
    let span = Span { name: name.to_owned(), ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] }
}

fn with_key<T>(message: T, key: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    request
}

async fn send(rig: &Rig, key: &str) -> Result<Response<ExportTraceServiceResponse>, Status> {
    TraceServiceClient::new(channel(rig).await).export(with_key(spans("pick"), key)).await
}

/// Seconds of the `RetryInfo` in a status, if there is one.
fn retry_info(status: &Status) -> Option<i64> {
    #[derive(Clone, PartialEq, Message)]
    struct Rpc {
        #[prost(int32, tag = "1")]
        code: i32,
        #[prost(message, repeated, tag = "3")]
        details: Vec<Any>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Any {
        #[prost(string, tag = "1")]
        type_url: String,
        #[prost(message, optional, tag = "2")]
        value: Option<RetryInfo>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct RetryInfo {
        #[prost(message, optional, tag = "1")]
        delay: Option<Delay>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Delay {
        #[prost(int64, tag = "1")]
        seconds: i64,
    }
    let told = Rpc::decode(status.details()).unwrap();
    let info = told.details.into_iter().find(|any| any.type_url == "type.googleapis.com/google.rpc.RetryInfo")?;
    assert_eq!(told.code, status.code() as i32);
    info.value.and_then(|info| info.delay).map(|delay| delay.seconds)
}

#[tokio::test]
async fn the_three_signals_arrive_as_the_bytes_that_were_sent() {
    let rig = Rig::start().await;
    let channel = channel(&rig).await;
    for compression in [None, Some(CompressionEncoding::Gzip), Some(CompressionEncoding::Zstd)] {
        let mut client = TraceServiceClient::new(channel.clone());
        if let Some(compression) = compression {
            client = client.send_compressed(compression).accept_compressed(compression);
        }
        let answer = client.export(with_key(spans("pick"), &rig.key)).await.unwrap().into_inner();
        assert_eq!(answer.partial_success, None, "left out when all went well");
        let arrival = rig.intake.only();
        assert_eq!(arrival.form, Form::TracesProtobuf);
        assert_eq!(ExportTraceServiceRequest::decode(arrival.body).unwrap(), spans("pick"));
        assert_eq!((arrival.tenant.as_str(), arrival.source.as_str()), ("acme", "erp/test"));
        assert!(arrival.headers.iter().all(|(name, value)| name != "authorization" && !value.contains(&rig.key)));
    }
    let logs = with_key(ExportLogsServiceRequest::default(), &rig.key);
    LogsServiceClient::new(channel.clone()).export(logs).await.unwrap();
    assert_eq!(rig.intake.only().form, Form::LogsProtobuf);
    let metrics = with_key(ExportMetricsServiceRequest::default(), &rig.key);
    MetricsServiceClient::new(channel).export(metrics).await.unwrap();
    assert_eq!(rig.intake.only().form, Form::MetricsProtobuf);
    assert!(rig.metrics().contains("milepost_receive_answers_total{door=\"otlp_grpc\",status=\"OK\"} 5"));
}

#[tokio::test]
async fn refused_spans_are_a_partial_success() {
    let rig = Rig::start().await;
    let refusals = vec![refusal(0, "missing_field", "/attributes/biz.event.id", "nothing")];
    rig.intake.answers(Taken { payload_id: "p9".into(), refusals, ..Taken::default() });
    let partial = send(&rig, &rig.key).await.unwrap().into_inner().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(partial.error_message.contains("missing_field") && partial.error_message.contains("p9"));
}

#[tokio::test]
async fn each_trouble_has_its_code() {
    let rig = Rig::start().await;
    assert_eq!(send(&rig, "mp_1_2").await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(send(&rig, &rig.read_key).await.unwrap_err().code(), Code::PermissionDenied);
    let bare = TraceServiceClient::new(channel(&rig).await).export(spans("pick")).await;
    assert_eq!(bare.unwrap_err().code(), Code::Unauthenticated);

    let unreadable = |code: &str| Taken {
        payload_id: "p3".into(),
        unreadable: Some(refusal(0, code, "", "ÿ\n")),
        ..Taken::default()
    };
    rig.intake.answers(unreadable("bad_protobuf"));
    let status = send(&rig, &rig.key).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("p3") && status.message().contains("ÿ\n"), "{}", status.message());
    rig.intake.answers(unreadable("too_many_items"));
    let status = send(&rig, &rig.key).await.unwrap_err();
    assert_eq!((status.code(), retry_info(&status)), (Code::ResourceExhausted, None));

    for mood in [Mood::Pressed(Pressure::Full), Mood::Pressed(Pressure::Behind), Mood::Panicking] {
        rig.intake.feels(mood);
        let status = send(&rig, &rig.key).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert!((5..=45).contains(&retry_info(&status).unwrap()));
    }
}

#[tokio::test]
async fn a_key_above_its_rate_is_told_when_to_come_back() {
    let rig = Rig::with(Settings { events_per_second: 1, events_burst: 1, ..Settings::default() }).await;
    let mut last = Ok(());
    for _ in 0..4 {
        last = send(&rig, &rig.key).await.map(|_| ());
    }
    let status = last.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(retry_info(&status).unwrap() >= 1);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_not_to_be_sent_again() {
    let rig = Rig::with(Settings { body_bytes: 100_000, ..Settings::default() }).await;
    let mut client = TraceServiceClient::new(channel(&rig).await);
    let name = "x".repeat(1 << 20);
    let status = client.export(with_key(spans(&name), &rig.key)).await.unwrap_err();
    assert_eq!((status.code(), retry_info(&status)), (Code::ResourceExhausted, None));
    client = client.send_compressed(CompressionEncoding::Gzip);
    let status = client.export(with_key(spans(&"x".repeat(8 << 20)), &rig.key)).await.unwrap_err();
    assert_eq!((status.code(), retry_info(&status)), (Code::ResourceExhausted, None), "a bomb");
    assert!(client.export(with_key(spans("small"), &rig.key)).await.is_ok(), "the connection lives on");
}

/// Name, path, headers, body; HTTP status and gRPC code.
type Case<'a> = (&'a str, &'a str, Vec<(&'static str, &'a str)>, &'a [u8], (u16, Option<i32>));

/// Sends a frame of our own making, and returns the HTTP status and the gRPC code.
async fn frame(rig: &Rig, path: &str, headers: &[(&'static str, &str)], body: &[u8]) -> (u16, Option<i32>) {
    call(rig, path, headers, tonic::body::Body::new(Full::new(Bytes::copy_from_slice(body)))).await
}

async fn call(rig: &Rig, path: &str, headers: &[(&'static str, &str)], body: tonic::body::Body) -> (u16, Option<i32>) {
    let mut channel = channel(rig).await;
    let mut request = Request::post(format!("http://{}{path}", rig.grpc))
        .header("authorization", format!("Bearer {}", rig.key))
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    std::future::poll_fn(|cx| channel.poll_ready(cx)).await.unwrap();
    let (head, body) = channel.call(request.body(body).unwrap()).await.unwrap().into_parts();
    let trailers = body.collect().await.unwrap().trailers().cloned().unwrap_or_default();
    let code = head.headers.get("grpc-status").or(trailers.get("grpc-status")).cloned();
    (head.status.as_u16(), code.map(|code| code.to_str().unwrap().parse().unwrap()))
}

#[tokio::test]
async fn crooked_frames_are_refused_and_never_internal() {
    let rig = Rig::start().await;
    let (ok, invalid, too_much, unimplemented) = (0, 3, 8, 12);
    let grpc = ("content-type", "application/grpc");
    let gz = ("grpc-encoding", "gzip");
    let packed = gzip(b"\x0a\x00");
    let packed = [&[1, 0, 0, 0, packed.len() as u8], &packed[..]].concat();
    let cut = [&[1, 0, 0, 0, packed.len() as u8 - 8], &packed[5..packed.len() - 3]].concat();
    #[rustfmt::skip]
    let cases: Vec<Case> = vec![
        ("good", EXPORT_TRACES, vec![grpc], &[0, 0, 0, 0, 0], (200, Some(ok))),
        ("good, packed", EXPORT_TRACES, vec![grpc, gz], &packed, (200, Some(ok))),
        ("announced, not packed", EXPORT_TRACES, vec![grpc, gz], &[0, 0, 0, 0, 0], (200, Some(ok))),
        ("+proto", EXPORT_TRACES, vec![("content-type", "application/grpc+proto")], &[0, 0, 0, 0, 0], (200, Some(ok))),
        ("no message", EXPORT_TRACES, vec![grpc], &[], (200, Some(invalid))),
        ("cut off", EXPORT_TRACES, vec![grpc], &[0, 0, 0, 0, 9, 1], (200, Some(invalid))),
        ("two messages", EXPORT_TRACES, vec![grpc], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], (200, Some(invalid))),
        ("flag without encoding", EXPORT_TRACES, vec![grpc], &packed, (200, Some(invalid))),
        ("damaged packing", EXPORT_TRACES, vec![grpc, gz], &cut, (200, Some(invalid))),
        ("4 GiB announced", EXPORT_TRACES, vec![grpc], &[0, 255, 255, 255, 255, 1], (200, Some(too_much))),
        ("unknown encoding", EXPORT_TRACES, vec![grpc, ("grpc-encoding", "snappy")], &[0, 0, 0, 0, 0], (200, Some(unimplemented))),
        ("unknown path", "/opentelemetry.proto.collector.trace.v1.TraceService/Import", vec![grpc], &[0, 0, 0, 0, 0], (200, Some(unimplemented))),
        ("no gRPC", EXPORT_TRACES, vec![("content-type", "application/json")], b"{}", (415, None)),
    ];
    for (name, path, headers, body, want) in cases {
        assert_eq!(frame(&rig, path, &headers, body).await, want, "{name}");
    }
    let arrivals = rig.intake.drain();
    let kept: Vec<Form> = arrivals.iter().map(|arrival| arrival.form).collect();
    let good = [Form::TracesProtobuf; 4];
    assert_eq!((&kept[..4], &kept[4..]), (&good[..], &[Form::Packed][..]), "what cannot be unpacked is kept");
}

#[tokio::test]
async fn a_call_that_is_given_up_is_taken_whole_or_not_at_all() {
    let rig = Rig::start().await;
    rig.intake.shut();
    let mut request = with_key(spans("pick"), &rig.key);
    request.set_timeout(std::time::Duration::from_millis(200));
    let status = TraceServiceClient::new(channel(&rig).await).export(request).await.unwrap_err();
    assert!(matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded), "{status:?}");
    rig.intake.open();
    until("it arrived", || rig.intake.arrivals.lock().len() == 1).await;
    until("its room is free", || rig.metrics().contains("requests_in_work 0")).await;
}

#[tokio::test]
async fn shutdown_lets_an_open_call_finish() {
    let rig = Rig::start().await;
    rig.intake.shut();
    let mut client = TraceServiceClient::new(channel(&rig).await);
    let request = with_key(spans("pick"), &rig.key);
    let call = tokio::spawn(async move { client.export(request).await });
    until("it is in work", || rig.metrics().contains("requests_in_work 1")).await;
    rig.shutdown.cancel();
    rig.intake.open();
    assert!(call.await.unwrap().is_ok());
    until("the server ended", || rig.grpc_ended.is_finished()).await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_gives_its_place_to_another() {
    let rig = Rig::with(Settings { connections: 1, header_ms: 300, ..Settings::default() }).await;
    let mut silent = tokio::net::TcpStream::connect(rig.grpc).await.unwrap();
    assert!(send(&rig, &rig.key).await.is_ok(), "it waited for the place, and got it");
    read_to_end(&mut silent).await;
    let mut slow = tokio::net::TcpStream::connect(rig.grpc).await.unwrap();
    slow.write_all(b"PRI * HT").await.unwrap();
    assert!(send(&rig, &rig.key).await.is_ok());
}

#[tokio::test]
async fn a_message_that_trickles_is_to_be_sent_again() {
    let rig = Rig::with(Settings { body_grace_ms: 200, ..Settings::default() }).await;
    let beginning = Full::new(Bytes::from_static(&[0, 0, 0])).frame().await.unwrap();
    let beginning = futures_util::stream::iter([beginning]);
    let endless = tonic::body::Body::new(StreamBody::new(beginning.chain(futures_util::stream::pending())));
    let answer = call(&rig, EXPORT_TRACES, &[("content-type", "application/grpc")], endless).await;
    assert_eq!(answer, (200, Some(Code::Unavailable as i32)));
    until("its room is free", || rig.metrics().contains("requests_in_work 0")).await;
}
