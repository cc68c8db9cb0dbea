//! What people and keys do: taken once, seen at once, kept like events, and forged by nobody.

use serde_json::json;

use crate::server::{Server, order, until};

#[tokio::test]
async fn an_act_is_seen_at_once_counts_once_and_survives_a_crash() {
    let mut server = Server::start().await;
    server.send(&json!([order("SO-1", 0)])).await;
    until("the order is there", || server.ask("/api/v1/objects/order/SO-1")).await;

    let comments = "/api/v1/objects/order/SO-1/comments";
    for _ in 0..2 {
        let (status, said) = server.act(comments, &json!({"text": "Called the warehouse"}), Some("call-1")).await;
        assert_eq!((status, said["stored"].as_bool()), (200, Some(true)), "{said}");
    }
    let (status, said) = server.act(comments, &json!({"text": "Something else"}), Some("call-1")).await;
    assert_eq!((status, &said["code"]), (409, &json!("used_idempotency_key")), "{said}");
    let (status, said) = server.act(comments, &json!({"text": 7}), None).await;
    assert_eq!((status, &said["pointer"]), (422, &json!("/text")), "{said}");

    let form = [("text", "From the page"), ("person", "Anna"), ("back", "/t/acme/w/order/SO-1/activity")];
    let (status, to) = server.submit("/t/acme/w/order/SO-1/comment", &form).await;
    assert_eq!((status, to.as_str()), (303, "/t/acme/w/order/SO-1/activity"));

    server.kill();
    server.launch();
    let flow = until("the order is there again", || server.workflow("SO-1")).await;
    let said: Vec<(&str, &str)> = flow["activity"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| (a["by"].as_str().unwrap().split('/').next().unwrap(), a["data"]["text"].as_str().unwrap()))
        .collect();
    assert_eq!(said, [("person", "From the page"), ("key", "Called the warehouse")]);
    assert_eq!(flow["last_event"]["type"], "order.created", "an act is no event of the order's systems");
    let (_, page) = server.page("/t/acme/w/order/SO-1/activity").await;
    assert!(page.contains("Anna") && page.contains("From the page"), "{page}");
}

#[tokio::test]
async fn only_who_may_act_acts() {
    let server = Server::start().await;
    let forged = json!([{"id": "x", "type": "order.created", "source": "person/anna", "time": "2026-11-22T10:00:00Z",
        "object": {"type": "order", "id": "SO-1"}, "data": {}}]);
    let (_, said) = server.post("/v1/events", "application/json", forged.to_string()).await;
    assert!(said.to_string().contains("reserved_name"), "{said}");
    let client = reqwest::Client::new();
    for (key, status) in [(&server.read_key, 403), (&server.send_key, 403)] {
        let path = format!("{}/api/v1/objects/order/SO-1/comments", server.http);
        let answer = client.post(path).bearer_auth(key).json(&json!({"text": "x"})).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
    }
    let foreign =
        client.post(format!("{}/t/acme/w/order/SO-1/comment", server.http)).header("sec-fetch-site", "cross-site");
    let answer = foreign.body("text=x&person=Eve").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 403);
}
