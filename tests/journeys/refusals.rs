//! What is refused is kept, with the place and the reason, and shown.

use serde_json::{Value, json};

use crate::landscape::visible;
use crate::server::{Server, event, order, until};

fn wrong() -> Value {
    let lines = json!([{"order": "SO-1", "line": "10", "sku": "AB-77", "quantity": "five", "unit": "EA"}]);
    event(
        "shipment.shipped",
        "wms-wrong",
        ("shipment", "SH-1"),
        json!({"order": ["SO-1"]}),
        10,
        json!({"lines": lines}),
    )
}

#[tokio::test]
async fn a_wrong_field_is_named_and_its_payload_kept() {
    let server = Server::start().await;
    let answer = server.send(&json!([order("SO-1", 0), wrong()])).await;
    assert_eq!(answer["accepted"], 1, "{answer}");
    let refused = &answer["rejected"][0];
    assert_eq!(refused["index"], 1, "{answer}");
    assert_eq!(refused["pointer"], "/data/lines/0/quantity", "{answer}");
    for field in ["code", "expected", "found", "detail"] {
        assert!(refused[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {answer}");
    }
    assert!(refused["found"].as_str().unwrap().contains("five"), "{answer}");
    let payload = refused["payload_id"].as_str().unwrap().to_owned();

    let failures = until("it is among the failures", || async {
        let failures = server.ask("/api/v1/failures").await?;
        failures.to_string().contains("/data/lines/0/quantity").then_some(failures)
    })
    .await;
    assert!(failures.to_string().contains("wms-wrong"), "{failures}");
    let kept = server.ask(&format!("/api/v1/payloads/{payload}")).await.unwrap();
    assert!(kept.to_string().contains("five"), "{kept}");
    let (status, page) = server.page(&format!("/t/{}/failures", server.tenant)).await;
    assert_eq!(status, 200);
    assert!(visible(&page).contains("quantity"), "the failures page names the field");
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_kept_too() {
    let server = Server::start().await;
    let (status, answer) = server.post("/v1/events", "application/json", r#"{"id": "a", "type": "order.cr"#).await;
    assert_eq!(status, 400, "{answer}");
    let payload = answer["payload_id"].as_str().unwrap_or_else(|| panic!("no payload_id in {answer}")).to_owned();
    let path = format!("/api/v1/payloads/{payload}");
    let kept = until("the payload is there", || server.ask(&path)).await;
    assert!(kept.to_string().contains("order.cr"), "{kept}");
}

#[tokio::test]
async fn nobody_gets_in_without_a_key_and_nobody_sees_more_than_his_own() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    let post = |key: &str| {
        client.post(format!("{}/v1/events", server.http)).bearer_auth(key.to_owned()).json(&order("SO-9", 0)).send()
    };
    assert_eq!(post("mp_0_nonsense").await.unwrap().status(), 401);
    assert_eq!(post(&server.read_key).await.unwrap().status(), 403, "a key to read with does not send");
    let read = client.get(format!("{}/api/v1/workflows", server.http)).send().await.unwrap();
    assert_eq!(read.status(), 401);
}
