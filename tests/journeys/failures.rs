//! Failed payloads from their door to their group: kept to the letter, shown without their secrets, grouped with what hangs
//! on them, and opened again when they come again.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::server::{Server, order, until};

async fn raw(server: &Server, id: &str, key: &str) -> (u16, Vec<u8>) {
    let path = format!("{}/api/v1/payloads/{id}/raw", server.http);
    let answer = reqwest::Client::new().get(path).bearer_auth(key).send().await.unwrap();
    let (status, kept) = (answer.status().as_u16(), answer.headers().clone());
    if status == 200 {
        assert!(kept["content-disposition"].to_str().unwrap().starts_with("attachment"));
        assert!(kept["content-security-policy"].to_str().unwrap().contains("sandbox"));
    }
    (status, answer.bytes().await.unwrap().to_vec())
}

async fn group(server: &Server, code: &str, fits: impl Fn(&Value) -> bool + Copy) -> Value {
    let path = format!("/api/v1/failure-groups?code={code}");
    until("the group is counted", || async {
        server.ask(&path).await?["items"].as_array()?.iter().find(|group| fits(group)).cloned()
    })
    .await
}

#[tokio::test]
async fn dead_letters_are_kept_grouped_and_opened_again_when_they_return() {
    let mut server = Server::start().await;
    server.send(&json!([order("SO-1", 0)])).await;
    until("the order is there", || server.workflow("SO-1")).await;

    let inside = json!({"type": "order.released", "object": "order/SO-1", "password": "s3cr3t", "n": 1}).to_string();
    let binary: Vec<u8> = (0..=255).collect();
    let letters = json!([
        {"id": "l-1", "payload": inside, "target": "wms", "reason": "HTTP 422: unknown SKU AB-77", "attempts": 5,
         "pointer": "/n", "headers": {"authorization": "Bearer s3cr3t99"}},
        {"id": "l-2", "payload_base64": BASE64_STANDARD.encode(&binary), "target": "wms", "reason": "HTTP 422: unknown SKU AB-78", "pointer": "/n"},
        {"reason": "nothing inside"},
    ]);
    let (status, said) = server.post("/v1/dead-letters", "application/json", letters.to_string()).await;
    assert_eq!(
        (status, &said["accepted"], &said["rejected"][0]["code"]),
        (200, &json!(2), &json!("missing_field")),
        "{said}"
    );
    let ids: Vec<String> = serde_json::from_value(said["payload_ids"].clone()).unwrap();
    let (_, again) = server.post("/v1/dead-letters", "application/json", letters.to_string()).await;
    assert_eq!((&again["duplicates"], &again["payload_ids"]), (&json!(2), &json!([])), "word for word: counted once");

    let one = group(&server, "dead_lettered", |group| group["count"] == 2).await;
    assert_eq!((&one["target"], &one["affected"]["orders"]), (&json!("wms"), &json!(1)), "two SKUs, one cause: {one}");
    assert_eq!(one["affected"]["amounts"], json!([{"value": "64.5", "currency": "EUR"}]), "{one}");

    // To the letter for those who may act, and without what is secret for everybody else.
    assert_eq!(raw(&server, &ids[1], &server.read_key).await, (200, binary));
    let masked = server.ask(&format!("/api/v1/payloads/{}", ids[0])).await.unwrap();
    assert!(masked["masked"] == true && !masked.to_string().contains("s3cr3t"), "{masked}");
    assert_eq!(raw(&server, &ids[0], &server.read_key).await.0, 403);
    let (_, page) = server.page(&format!("/t/acme/payloads/{}", ids[0])).await;
    assert!(page.contains("Dead lettered") && !page.contains("s3cr3t"), "{page}");
    let (status, shown) =
        server.act(&format!("/api/v1/payloads/{}/unmask", ids[0]), &json!({"reason": "to mend it"}), None).await;
    assert!(status == 200 && shown["body"] == inside.as_str(), "{shown}");

    // Resolved, and failing again.
    let id = one["id"].as_str().unwrap();
    let acts = format!("/api/v1/failure-groups/{id}/acts");
    let (status, said) = server.act(&acts, &json!({"act": "resolved"}), None).await;
    assert_eq!(status, 422, "without a reason: {said}");
    let (status, said) = server.act(&acts, &json!({"act": "resolved", "reason": "item made"}), Some("r-1")).await;
    assert_eq!((status, &said["state"]), (200, &json!("resolved")), "{said}");
    server.kill();
    server.launch();
    until("it answers again", || server.ask("/api/v1/held")).await;
    let letter =
        json!({"id": "l-3", "payload": "x", "target": "wms", "reason": "HTTP 422: unknown SKU AB-79", "pointer": "/n"});
    server.post("/v1/dead-letters", "application/json", letter.to_string()).await;
    let back = group(&server, "dead_lettered", |group| group["count"] == 3).await;
    assert_eq!((&back["state"], &back["returned"]), (&json!("open"), &json!(true)), "{back}");
    let listed = server.ask(&format!("/api/v1/failures?group={id}")).await.unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    let (_, page) = server.page("/t/acme/failures").await;
    assert!(page.contains("Returned"), "{page}");
}

/// Sixty-four MiB of text that does not end, about a twentieth of it when packed.
fn endless_text() -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut text = br#"{"id": "big", "note": ""#.to_vec();
    while text.len() < 64 << 20 {
        for _ in 0..400 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push(b'0' + (state % 10) as u8);
        }
        text.extend_from_slice(&[b'a'; 3_600]);
    }
    text.truncate(64 << 20);
    text
}

#[tokio::test]
async fn every_kind_of_bad_payload_has_its_named_outcome_and_is_shown_without_harm() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    let send = async |body: Vec<u8>, packed: bool| {
        let request = client.post(format!("{}/v1/events", server.http)).bearer_auth(&server.send_key);
        let request = request.header("content-type", "application/json");
        let request = if packed { request.header("content-encoding", "zstd") } else { request };
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let big = endless_text();
    let many_lines = format!("{{\"id\": \"long\", \"lines\": [\n{}\"end\"\n", "7,\n".repeat(200_000)).into_bytes();
    let hostile = br#"{"id": "<script>alert(1)</script>", "type": "</pre><img src=x onerror=alert(2)>"}"#.to_vec();
    let secret =
        br#"{"id": "s-1", "type": "order.created", "password": "hunter2hunter2", "card": "4111 1111 1111 1111"}"#
            .to_vec();
    let cases = [
        ("64 MiB", zstd::encode_all(&*big, 3).unwrap(), true, 400, "invalid_json"),
        ("binary", (0..=255).collect(), false, 400, "invalid_utf8"),
        ("invalid UTF-8", b"{\"id\": \"a\xff\"}".to_vec(), false, 400, "invalid_utf8"),
        ("200,000 lines", many_lines.clone(), false, 400, "invalid_json"),
        ("hostile HTML", hostile, false, 200, "unknown_event_type"),
        ("secrets", secret, false, 200, "missing_field"),
    ];
    for (name, body, packed, wanted, code) in cases {
        let (status, said) = send(body.clone(), packed).await;
        assert_eq!(status, wanted, "{name}: {said}");
        let told = if wanted == 200 { &said["rejected"][0] } else { &said };
        assert_eq!(told["code"], code, "{name}: {said}");
        let id = told["payload_id"].as_str().unwrap_or_else(|| panic!("{name} is not kept: {said}")).to_owned();
        until("it is kept", || async {
            let rows = server.clickhouse("SELECT payload FROM payloads ORDER BY payload").await;
            let wanted = u64::from_str_radix(id.split('.').next().unwrap(), 16).unwrap();
            let quoted = wanted.to_string();
            rows.iter().any(|row| row["payload"] == wanted || row["payload"] == quoted).then_some(())
        })
        .await;
        // Looked through for secrets without optimisation, so much takes longer than anybody waits.
        let views: &[&str] = if packed { &[] } else { &["", "?view=raw", "?view=hex", "/edit"] };
        for view in views {
            let (status, page) = server.page(&format!("/t/acme/payloads/{id}{view}")).await;
            assert_eq!(status, 200, "{name} {view}");
            assert!(page.len() < 3 << 20, "{name} {view}: a page of {} bytes", page.len());
            assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{name} {view}");
            assert!(!page.contains("hunter2hunter2") && !page.contains("4111 1111"), "{name} {view}");
        }
        if name == "secrets" {
            assert_eq!(raw(&server, &id, &server.read_key).await.0, 403, "{name}");
            continue;
        }
        let whole = id.split('.').next().unwrap();
        let sent = if packed { &big } else { &body };
        let (status, kept) = raw(&server, whole, &server.read_key).await;
        assert!(status == 200 && kept == *sent, "{name} is kept to the letter");
    }
}
