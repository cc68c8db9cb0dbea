//! `POST /v1/events`: forms, answers, refusals.

use milepost::pipeline::{Form, Taken};
use reqwest::Method;
use serde_json::{Value, json};

use super::recorder::refusal;
use super::rig::{Rig, gzip, zstd};

const EVENT: &[u8] = br#"{"id":"1","type":"order.created"}"#;

/// Name, headers, body, and what comes of it.
type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a [u8], Result<Form, (u16, &'a str)>);

/// One request and what comes of it: the form in which it arrives, or the status and code with which it does not.
async fn check(rig: &Rig, name: &str, headers: &[(&str, &str)], body: &[u8], want: Result<Form, (u16, &str)>) {
    let mut request = rig.post("/v1/events").body(body.to_vec());
    for (header, value) in headers {
        request = request.header(*header, *value);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    let answer: Value = response.json().await.unwrap();
    let arrivals = rig.intake.drain();
    match want {
        Ok(form) => {
            assert_eq!((status, content_type.as_str()), (200, "application/json"), "{name}: {answer}");
            assert_eq!(answer, json!({"accepted": 1, "duplicates": 0, "rejected": []}), "{name}");
            assert_eq!(arrivals.iter().map(|arrival| arrival.form).collect::<Vec<_>>(), [form], "{name}");
        }
        Err((code_status, code)) => {
            assert_eq!((status, content_type.as_str()), (code_status, "application/problem+json"), "{name}: {answer}");
            assert_eq!((answer["code"].as_str(), answer["status"].as_u64()), (Some(code), Some(code_status.into())));
            let kept = answer["payload_id"].is_string();
            assert_eq!(arrivals.len(), usize::from(kept), "{name}: a payload id means that it was handed over");
        }
    }
}

#[tokio::test]
async fn every_form_arrives_as_what_it_is() {
    let rig = Rig::start().await;
    let (json, ce) = (("content-type", "application/json"), ("ce-specversion", "1.0"));
    let gz = ("content-encoding", "gzip");
    let zs = ("content-encoding", "zstd");
    let ct = |value| ("content-type", value);
    let (packed, packed_zstd) = (gzip(EVENT), zstd(EVENT));
    #[rustfmt::skip]
    let cases: Vec<Case> = vec![
        ("one event", vec![json], EVENT, Ok(Form::Json)),
        ("charset in capitals", vec![ct("application/json; charset=UTF-8")], EVENT, Ok(Form::Json)),
        ("lines", vec![ct("application/x-ndjson")], EVENT, Ok(Form::Ndjson)),
        ("structured", vec![ct("application/cloudevents+json")], EVENT, Ok(Form::CloudEvent)),
        ("batch", vec![ct("application/cloudevents-batch+json")], b"[]", Ok(Form::CloudEventBatch)),
        ("binary", vec![json, ce], EVENT, Ok(Form::CloudEventBinary)),
        ("gzip", vec![json, gz], &packed, Ok(Form::Json)),
        ("zstd", vec![json, zs], &packed_zstd, Ok(Form::Json)),
        ("identity", vec![json, ("content-encoding", "identity")], EVENT, Ok(Form::Json)),
        ("not JSON", vec![json], b"{", Err((400, "bad_json"))),
        ("empty", vec![json], b"", Err((400, "bad_json"))),
        ("truncated gzip", vec![json, gz], &packed[..packed.len() - 2], Err((400, "cannot_unpack"))),
        ("plain text called zstd", vec![json, zs], EVENT, Err((400, "cannot_unpack"))),
        ("no content type", vec![], EVENT, Err((415, "unsupported_media_type"))),
        ("text", vec![ct("text/plain")], EVENT, Err((415, "unsupported_media_type"))),
        ("form", vec![ct("application/x-www-form-urlencoded")], EVENT, Err((415, "unsupported_media_type"))),
        ("utf-16", vec![ct("application/json; charset=utf-16")], EVENT, Err((415, "unsupported_charset"))),
        ("two content types", vec![json, ct("text/plain")], EVENT, Err((415, "unsupported_media_type"))),
        ("brotli", vec![json, ("content-encoding", "br")], EVENT, Err((415, "unsupported_encoding"))),
        ("gzip of gzip", vec![json, ("content-encoding", "gzip, gzip")], EVENT, Err((415, "unsupported_encoding"))),
        ("two encodings", vec![json, gz, zs], EVENT, Err((415, "unsupported_encoding"))),
        ("blank in the key", vec![json, ("idempotency-key", "a b")], EVENT, Err((400, "bad_idempotency_key"))),
    ];
    for (name, headers, body, want) in cases {
        check(&rig, name, &headers, body, want).await;
    }
}

#[tokio::test]
async fn an_arrival_carries_who_sent_it_and_no_secret() {
    let rig = Rig::start().await;
    let request = rig.post("/v1/events").header("content-type", "application/json").header("cookie", "sid=secret");
    let request = request.header("user-agent", "SAP").header("x-request-id", "r1").header("content-encoding", "gzip");
    request.body(gzip(EVENT)).send().await.unwrap();
    let arrival = rig.intake.only();
    assert_eq!((arrival.tenant.as_str(), arrival.source.as_str()), ("acme", "erp/test"));
    assert!(rig.key.contains(&arrival.key_id), "the id, and only that");
    assert_eq!(&arrival.body[..], EVENT, "unpacked");
    let mut names: Vec<&str> = arrival.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-encoding", "content-type", "user-agent", "x-request-id"]);
}

#[tokio::test]
async fn the_parts_of_a_binary_cloud_event_arrive_whole() {
    let rig = Rig::start().await;
    let long = "s".repeat(5_000);
    let request = rig.post("/v1/events").header("content-type", "application/json").header("ce-specversion", "1.0");
    request.header("ce-id", "4711").header("CE-Subject", &long).body(EVENT).send().await.unwrap();
    let arrival = rig.intake.only();
    let value = |name: &str| arrival.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!((value("ce-id"), value("ce-subject")), (Some("4711"), Some(long.as_str())));
}

#[tokio::test]
async fn refused_records_are_told_with_place_and_payload() {
    let rig = Rig::start().await;
    let refusals = vec![refusal(1, "missing_field", "/data/qty", "nothing"), refusal(4, "wrong_type", "/time", "7")];
    let taken = Taken { payload_id: "p9".into(), accepted: 3, duplicates: 2, refusals, ..Taken::default() };
    rig.intake.answers(taken);
    let response = rig.post("/v1/events").json(&json!([])).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let told: Value = response.json().await.unwrap();
    let want = json!({
      "accepted": 3,
      "duplicates": 2,
      "rejected": [
        {
          "code": "missing_field",
          "detail": "That will not do.",
          "expected": "something else",
          "found": "nothing",
          "index": 1,
          "payload_id": "p9.1",
          "pointer": "/data/qty"
        },
        {
          "code": "wrong_type",
          "detail": "That will not do.",
          "expected": "something else",
          "found": "7",
          "index": 4,
          "payload_id": "p9.4",
          "pointer": "/time"
        }
      ]
    });
    assert_eq!(told, want);
    let metrics = rig.metrics();
    for line in [
        "milepost_receive_answers_total{door=\"events\",status=\"200\"} 1",
        "milepost_receive_records_total{door=\"events\",outcome=\"accepted\"} 3",
        "milepost_receive_records_total{door=\"events\",outcome=\"duplicate\"} 2",
        "milepost_receive_records_total{door=\"events\",outcome=\"refused\"} 2",
        "milepost_receive_requests_in_work 0",
        "milepost_receive_bytes_in_work 0",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_a_problem_with_its_payload() {
    let rig = Rig::start().await;
    let unreadable = Some(refusal(0, "duplicate_key", "/data/qty", "twice"));
    rig.intake.answers(Taken { payload_id: "p3".into(), unreadable, ..Taken::default() });
    let response = rig.post("/v1/events").json(&json!({})).send().await.unwrap();
    assert_eq!(response.status(), 400);
    let told: Value = response.json().await.unwrap();
    let want = json!({
      "code": "duplicate_key",
      "detail": "That will not do.",
      "expected": "something else",
      "found": "twice",
      "payload_id": "p3",
      "pointer": "/data/qty",
      "status": 400,
      "title": "The body cannot be read",
      "type": "urn:milepost:problem:duplicate_key"
    });
    assert_eq!(told, want);
}

#[tokio::test]
async fn too_many_records_are_too_large() {
    let rig = Rig::start().await;
    let unreadable = Some(refusal(0, "too_many_items", "", "100001"));
    rig.intake.answers(Taken { payload_id: "p3".into(), unreadable, ..Taken::default() });
    assert_eq!(rig.post("/v1/events").json(&json!([])).send().await.unwrap().status(), 413);
    assert_eq!(rig.post("/v1/logs").json(&json!({})).send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn only_a_key_to_send_lets_anything_in() {
    let rig = Rig::start().await;
    let url = format!("http://{}/v1/events", rig.events);
    let foreign = format!("Bearer mp_{}_{}", "0".repeat(12), "0".repeat(64));
    let cases = [
        (None, 401, "no_key"),
        (Some("Basic abc".to_owned()), 401, "no_key"),
        (Some("Bearer".to_owned()), 401, "no_key"),
        (Some("Bearer nonsense".to_owned()), 401, "unknown_key"),
        (Some(foreign), 401, "unknown_key"),
        (Some(format!("Bearer {}", &rig.key[..rig.key.len() - 1])), 401, "unknown_key"),
        (Some(format!("Bearer {}", rig.read_key)), 403, "read_key"),
        (Some(format!("bearer {}", rig.key)), 200, ""),
    ];
    for (authorization, status, code) in cases {
        let mut request = reqwest::Client::new().post(&url).json(&json!({}));
        if let Some(value) = &authorization {
            request = request.header("authorization", value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{authorization:?}");
        assert_eq!(response.headers().contains_key("www-authenticate"), status == 401, "{authorization:?}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["code"].as_str().unwrap_or(""), code, "{authorization:?}");
        assert!(!answer.to_string().contains(&rig.key), "no answer repeats a key");
    }
    assert_eq!(rig.intake.drain().len(), 1);

    let in_address = rig.post(&format!("/v1/logs?key={}", rig.key)).json(&json!({})).send().await.unwrap();
    assert_eq!(in_address.status(), 400, "a key in an address ends up in logs");
}

#[tokio::test]
async fn other_methods_are_told_which_one_is_right() {
    let rig = Rig::start().await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"] {
        for address in [format!("{}/v1/events", rig.events), format!("{}/v1/traces", rig.otlp)] {
            let verb = Method::from_bytes(method.as_bytes()).unwrap();
            let response = reqwest::Client::new().request(verb, format!("http://{address}")).send().await.unwrap();
            assert_eq!(response.status(), 405, "{method} {address}");
            assert_eq!(response.headers()["allow"], "POST", "{method} {address}");
        }
    }
}
