//! OTLP/HTTP: answers in the sender's encoding, as the specification has them.

use milepost::pipeline::{Form, Pressure, Taken};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::{Value, json};

use super::recorder::{Mood, refusal};
use super::rig::{Rig, gzip, zstd};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

type Pack = fn(&[u8]) -> Vec<u8>;

/// `google.rpc.Status`, as senders read it.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

async fn post(rig: &Rig, path: &str, content_type: &str, encoding: &str, body: Vec<u8>) -> (u16, String, Vec<u8>) {
    let request = rig.post(path).header("content-type", content_type).header("content-encoding", encoding);
    let response = request.body(body).send().await.unwrap();
    let answered = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.status().as_u16(), answered, response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn full_success_is_an_empty_answer_in_the_senders_encoding() {
    let rig = Rig::start().await;
    let cases = [
        ("/v1/traces", Form::TracesProtobuf, Form::TracesJson),
        ("/v1/logs", Form::LogsProtobuf, Form::LogsJson),
        ("/v1/metrics", Form::MetricsProtobuf, Form::MetricsJson),
    ];
    for (path, protobuf, json) in cases {
        let packings: [(&str, Pack); 3] = [("identity", <[u8]>::to_vec), ("gzip", gzip), ("zstd", zstd)];
        for (encoding, pack) in packings {
            let answer = post(&rig, path, PROTOBUF, encoding, pack(b"\x0a\x00")).await;
            assert_eq!(answer, (200, PROTOBUF.to_owned(), Vec::new()), "{path} {encoding}");
            let arrival = rig.intake.only();
            assert_eq!((arrival.form, &arrival.body[..]), (protobuf, &b"\x0a\x00"[..]));

            let answer = post(&rig, path, JSON, encoding, pack(b"{}")).await;
            assert_eq!(answer, (200, JSON.to_owned(), b"{}".to_vec()), "{path} {encoding}");
            let arrival = rig.intake.only();
            assert_eq!((arrival.form, &arrival.body[..]), (json, &b"{}"[..]));
        }
    }
    let empty = post(&rig, "/v1/traces", PROTOBUF, "identity", Vec::new()).await;
    assert_eq!(empty, (200, PROTOBUF.to_owned(), Vec::new()), "an empty export is a good one");
}

#[tokio::test]
async fn refused_records_are_a_partial_success() {
    let rig = Rig::start().await;
    let refusals = vec![refusal(1, "missing_field", "/attributes/biz.event.id", "nothing"); 5];
    rig.intake.answers(Taken { payload_id: "p9".into(), accepted: 3, refusals, ..Taken::default() });

    let (_, _, traces) = post(&rig, "/v1/traces", PROTOBUF, "identity", Vec::new()).await;
    let traces = ExportTraceServiceResponse::decode(&traces[..]).unwrap().partial_success.unwrap();
    assert_eq!(traces.rejected_spans, 5);
    for part in ["p9", "record 1", "missing_field", "/attributes/biz.event.id", "and 2 more"] {
        assert!(traces.error_message.contains(part), "{part}: {}", traces.error_message);
    }
    let (_, _, logs) = post(&rig, "/v1/logs", PROTOBUF, "identity", Vec::new()).await;
    let logs = ExportLogsServiceResponse::decode(&logs[..]).unwrap().partial_success.unwrap();
    assert_eq!(logs.rejected_log_records, 5);
    let (_, _, metrics) = post(&rig, "/v1/metrics", PROTOBUF, "identity", Vec::new()).await;
    let metrics = ExportMetricsServiceResponse::decode(&metrics[..]).unwrap().partial_success.unwrap();
    assert_eq!(metrics.rejected_data_points, 5);

    for (path, name) in
        [("/v1/traces", "rejectedSpans"), ("/v1/logs", "rejectedLogRecords"), ("/v1/metrics", "rejectedDataPoints")]
    {
        let (status, _, body) = post(&rig, path, JSON, "identity", b"{}".to_vec()).await;
        let answer: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &answer["partialSuccess"][name]), (200, &json!("5")));
    }
}

#[tokio::test]
async fn errors_are_a_status_in_the_senders_encoding() {
    let rig = Rig::start().await;
    let unreadable = Some(refusal(0, "bad_protobuf", "", "wire type 7"));
    rig.intake.answers(Taken { payload_id: "p3".into(), unreadable, ..Taken::default() });
    let (status, content_type, body) = post(&rig, "/v1/traces", PROTOBUF, "identity", vec![7]).await;
    let told = Status::decode(&body[..]).unwrap();
    assert_eq!((status, content_type.as_str(), told.code), (400, PROTOBUF, 3));
    assert!(told.message.contains("p3") && told.message.contains("bad_protobuf"), "{}", told.message);
    let (status, content_type, body) = post(&rig, "/v1/traces", JSON, "identity", vec![7]).await;
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, content_type.as_str(), &told["code"]), (400, JSON, &json!(3)));

    rig.intake.feels(Mood::Pressed(Pressure::Full));
    let (status, content_type, body) = post(&rig, "/v1/logs", PROTOBUF, "identity", vec![]).await;
    assert_eq!((status, content_type.as_str()), (503, PROTOBUF));
    assert_eq!(Status::decode(&body[..]).unwrap().code, 14);
}

#[tokio::test]
async fn foreign_requests_are_refused() {
    let rig = Rig::start().await;
    let cases = [
        ("/v1/traces", "text/plain", "identity", 415),
        ("/v1/traces", "application/x-ndjson", "identity", 415),
        ("/v1/traces", "application/json; charset=utf-16", "identity", 415),
        ("/v1/traces", PROTOBUF, "br", 415),
        ("/v1/traces", PROTOBUF, "gzip, gzip", 415),
        ("/v1/spans", PROTOBUF, "identity", 404),
        ("/v1/events", JSON, "identity", 404),
        ("/", JSON, "identity", 404),
    ];
    for (path, content_type, encoding, want) in cases {
        let request = reqwest::Client::new().post(format!("http://{}{path}", rig.otlp)).bearer_auth(&rig.key);
        let request = request.header("content-type", content_type).header("content-encoding", encoding);
        let response = request.body("{}").send().await.unwrap();
        assert_eq!(response.status(), want, "{path} {content_type} {encoding}");
        let accepted = response.headers().contains_key("accept-encoding");
        assert_eq!(accepted, want == 415 && encoding != "identity", "{encoding}");
    }
    assert_eq!(rig.intake.drain().len(), 0);
}

#[tokio::test]
async fn damaged_packings_are_kept_as_sent() {
    let rig = Rig::start().await;
    let packed = zstd(b"\x0a\x00");
    let cut = packed[..packed.len() - 1].to_vec();
    let (status, _, _) = post(&rig, "/v1/traces", PROTOBUF, "zstd", cut.clone()).await;
    let arrival = rig.intake.only();
    assert_eq!((status, arrival.form, arrival.body.to_vec()), (400, Form::Packed, cut));
}

#[tokio::test]
async fn keys_are_asked_for_here_too() {
    let rig = Rig::start().await;
    let url = format!("http://{}/v1/logs", rig.otlp);
    for (key, status) in [("mp_1_2", 401), (rig.read_key.as_str(), 403)] {
        let request = reqwest::Client::new().post(&url).bearer_auth(key).header("content-type", PROTOBUF);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["content-type"], PROTOBUF);
    }
}
