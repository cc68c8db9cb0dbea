//! What senders are told when nothing can be taken: never to drop their data.

use std::time::Duration;

use milepost::pipeline::{Form, Pressure};
use milepost::receive::Settings;
use reqwest::Response;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::recorder::Mood;
use super::rig::{Rig, read_to_end, until};

fn retry_after(response: &Response) -> u64 {
    response.headers()["retry-after"].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn whatever_fails_behind_the_door_is_503_with_a_time_to_wait() {
    let rig = Rig::start().await;
    let pressed = [Pressure::Closed, Pressure::Full, Pressure::Behind].map(Mood::Pressed);
    let least_s = [1, 5, 5, 5];
    for (mood, least_s) in pressed.into_iter().chain([Mood::Panicking]).zip(least_s) {
        rig.intake.feels(mood);
        for path in ["/v1/events", "/v1/traces"] {
            let response = rig.post(path).json(&json!({})).send().await.unwrap();
            assert_eq!(response.status(), 503, "{path}");
            assert!((least_s..=45).contains(&retry_after(&response)), "{path}");
        }
    }
}

#[tokio::test]
async fn a_key_above_its_rate_waits_and_others_do_not() {
    let rig = Rig::with(Settings { events_per_second: 1, events_burst: 2, ..Settings::default() }).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(rig.post("/v1/events").json(&json!({})).send().await.unwrap());
    }
    let limited = statuses.pop().unwrap();
    assert!(limited.status() == 429 && retry_after(&limited) >= 1);
    assert_eq!(rig.post("/v1/logs").json(&json!({})).send().await.unwrap().status(), 429, "one rate over all doors");
    let taken = statuses.iter().filter(|response| response.status() == 200).count();
    assert_eq!(taken, 3, "two of credit, and one that went into debt");
}

#[tokio::test]
async fn who_finds_no_room_comes_back() {
    let rig = Rig::with(Settings { requests: 1, memory_bytes: 1_000, ..Settings::default() }).await;
    let mut idle = TcpStream::connect(rig.events).await.unwrap();
    let head = rig.head("Content-Type: application/json\r\nContent-Length: 2\r\n");
    idle.write_all(head.as_bytes()).await.unwrap();
    until("the first is in work", || rig.metrics().contains("requests_in_work 1")).await;
    let busy = rig.post("/v1/events").json(&json!({})).send().await.unwrap();
    assert!(busy.status() == 503 && busy.headers().contains_key("retry-after"));
    drop(idle);
    until("its place is free", || rig.metrics().contains("requests_in_work 0")).await;
    let large = rig.post("/v1/events").json(&json!("x".repeat(2_000))).send().await.unwrap();
    assert_eq!(large.status(), 503, "more bytes than there is room for");
    assert_eq!(rig.post("/v1/events").json(&json!({})).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_payload_goes_its_way_even_when_the_sender_hangs_up() {
    let rig = Rig::start().await;
    rig.intake.shut();
    let mut socket = TcpStream::connect(rig.events).await.unwrap();
    let head = rig.head("Content-Type: application/json\r\nContent-Length: 2\r\n");
    socket.write_all(format!("{head}{{}}").as_bytes()).await.unwrap();
    until("it is in work", || rig.metrics().contains("requests_in_work 1")).await;
    // A body that is not yet handed over dies with its connection, so wait until the door is done reading.
    until("the body is read", || rig.metrics().contains("bytes_in_work 2")).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(socket);
    rig.intake.open();
    until("it arrived", || rig.intake.arrivals.lock().len() == 1).await;
    assert_eq!(rig.intake.only().form, Form::Json);
}

#[tokio::test]
async fn a_body_that_trickles_is_cut_off() {
    let settings = Settings { body_grace_ms: 200, body_rate_bytes: 1_000, ..Settings::default() };
    let rig = Rig::with(settings).await;
    for (address, path, status) in [(rig.events, "/v1/events", "408"), (rig.otlp, "/v1/traces", "503")] {
        let head = rig.head("Content-Type: application/json\r\nContent-Length: 1000\r\n").replace("/v1/events", path);
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(format!("{head}{{").as_bytes()).await.unwrap();
        let answer = read_to_end(&mut socket).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    assert_eq!(rig.intake.drain().len(), 0);
}

#[tokio::test]
async fn headers_that_trickle_are_cut_off() {
    let rig = Rig::with(Settings { header_ms: 300, ..Settings::default() }).await;
    let answer = rig.raw(rig.events, b"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}
