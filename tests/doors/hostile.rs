//! Bytes that no well-meaning sender sends. Each is answered, and the next good request is taken.

use std::time::{Duration, Instant};

use milepost::receive::Settings;
use reqwest::Client;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::rig::{Rig, gzip, read_to_end, zstd};

/// Sends raw bytes and looks for one of the statuses; then a good request must be taken.
async fn check(rig: &Rig, name: &str, request: Vec<u8>, statuses: &[&str]) {
    let answer = rig.raw(rig.events, &request).await;
    let status = answer.split(' ').nth(1).unwrap_or("none");
    assert!(statuses.contains(&status), "{name}: {answer:.300}");
    assert_eq!(rig.intake.drain().len(), 0, "{name}: nothing arrives");
    assert_eq!(rig.post("/v1/events").json(&json!({})).send().await.unwrap().status(), 200, "after {name}");
    rig.intake.drain();
}

#[tokio::test]
async fn crooked_requests_are_refused() {
    let rig = Rig::start().await;
    let json = "Content-Type: application/json\r\nConnection: close\r\n";
    let with = |extra: &str, body: &str| [rig.head(&format!("{json}{extra}")).as_bytes(), body.as_bytes()].concat();
    let path = |bytes| {
        let query = "a".repeat(bytes);
        format!("POST /v1/events?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes()
    };
    let many: String = (0..200).map(|i| format!("X-{i}: 1\r\n")).collect();
    let baggage = "baggage: a=b,,,,,,,,;;;;====\r\n".repeat(80);
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("both lengths", with("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), &["400"]),
        ("two lengths", with("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"), &["400"]),
        ("blank before the colon", with("Content-Length : 2\r\n", "{}"), &["400"]),
        ("folded header", with("X-A: b\r\n c\r\nContent-Length: 2\r\n", "{}"), &["400"]),
        ("length that is no number", with("Content-Length: 2x\r\n", "{}"), &["400"]),
        ("chunk size that is no number", with("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"), &["400"]),
        ("20 KiB address", path(20 << 10), &["414"]),
        ("100 KiB address", path(100 << 10), &["400"]),
        ("200 headers", with(&many, ""), &["400", "431"]),
        ("64 KiB header", with(&format!("X-A: {}\r\nContent-Length: 0\r\n", "a".repeat(64 << 10)), ""), &["431"]),
        ("80 baggage headers", with(&format!("{}Content-Length: 0\r\n", baggage.repeat(20)), ""), &["400", "431"]),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), &["400"]),
        ("unfinished body", with("Content-Length: 10\r\n", "{}"), &["400", "none", "408"]),
    ];
    for (name, request, statuses) in cases {
        if name == "unfinished body" {
            let mut socket = TcpStream::connect(rig.events).await.unwrap();
            socket.write_all(&request).await.unwrap();
            socket.shutdown().await.unwrap();
            let answer = read_to_end(&mut socket).await;
            assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
            continue;
        }
        check(&rig, name, request, statuses).await;
    }
}

#[tokio::test]
async fn too_much_is_413_however_it_is_wrapped() {
    let settings = Settings { body_bytes: 3 << 20, unpacked_bytes: 4 << 20, ..Settings::default() };
    let rig = Rig::with(settings).await;
    let cases = [
        ("announced", None, vec![b' '; (3 << 20) + 1], "body_too_large"),
        ("bomb", Some("gzip"), gzip(&vec![0; 32 << 20]), "ratio_too_high"),
        ("zstd bomb", Some("zstd"), zstd(&vec![0; 32 << 20]), "ratio_too_high"),
        ("large inside", Some("zstd"), zstd(&digits(5 << 20)), "unpacked_too_large"),
    ];
    for (name, encoding, body, code) in cases {
        let mut request = rig.post("/v1/events").header("content-type", "application/json");
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        let response = request.body(body).send().await.unwrap();
        assert_eq!(response.status(), 413, "{name}");
        assert_eq!(response.json::<serde_json::Value>().await.unwrap()["code"], code, "{name}");
    }
    assert_eq!(rig.intake.drain().len(), 0);
    assert!(rig.metrics().contains("bytes_in_work 0"));
}

#[tokio::test]
async fn an_endless_chunked_body_is_cut_off() {
    let rig = Rig::with(Settings { body_bytes: 64 << 10, ..Settings::default() }).await;
    let mut socket = TcpStream::connect(rig.events).await.unwrap();
    let head = rig.head("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let started = Instant::now();
    while socket.write_all(chunk.as_bytes()).await.is_ok() {
        assert!(started.elapsed() < Duration::from_secs(5), "the server still reads");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn five_hundred_slow_senders_do_not_hold_up_a_good_one() {
    let rig = Rig::start().await;
    let head = rig.head("Content-Type: application/json\r\nContent-Length: 100\r\n");
    let mut slow = Vec::new();
    for _ in 0..500 {
        let mut socket = TcpStream::connect(rig.events).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        slow.push(socket);
    }
    let client = Client::new();
    let url = format!("http://{}/v1/events", rig.events);
    for _ in 0..20 {
        let started = Instant::now();
        let response = client.post(&url).bearer_auth(&rig.key).json(&json!({})).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(started.elapsed() < Duration::from_secs(1));
    }
}

/// Text that shrinks to about half: too large when unpacked, and no bomb.
fn digits(bytes: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b'0' + (state % 10) as u8
    };
    (0..bytes).map(|_| next()).collect()
}
