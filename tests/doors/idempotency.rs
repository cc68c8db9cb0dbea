//! `Idempotency-Key` on the events API.

use milepost::pipeline::Pressure;
use reqwest::Response;
use serde_json::{Value, json};

use super::recorder::Mood;
use super::rig::{Rig, until};

async fn send(rig: &Rig, key: &str, body: Value) -> Response {
    rig.post("/v1/events").header("idempotency-key", key).json(&body).send().await.unwrap()
}

fn replayed(response: &Response) -> bool {
    response.headers().contains_key("idempotent-replayed")
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_goes_no_further() {
    let rig = Rig::start().await;
    let first = send(&rig, "k1", json!({"id": 1})).await;
    assert!(!replayed(&first) && first.status() == 200);
    let second = send(&rig, "\"k1\"", json!({"id": 1})).await;
    assert!(replayed(&second) && second.status() == 200);
    assert_eq!(first.bytes().await.unwrap(), second.bytes().await.unwrap());
    assert_eq!(rig.intake.drain().len(), 1);

    let other = send(&rig, "k1", json!({"id": 2})).await;
    assert_eq!(other.status(), 422);
    assert_eq!(other.json::<Value>().await.unwrap()["code"], "idempotency_key_reused");
    assert_eq!(rig.intake.drain().len(), 0);
}

#[tokio::test]
async fn a_failure_that_may_be_tried_again_is_tried_again() {
    let rig = Rig::start().await;
    for mood in [Mood::Pressed(Pressure::Full), Mood::Panicking] {
        rig.intake.feels(mood);
        let refused = send(&rig, "k2", json!({})).await;
        assert!(refused.status() == 503 && refused.headers().contains_key("retry-after"));
    }
    rig.intake.feels(Mood::Taking);
    let taken = send(&rig, "k2", json!({})).await;
    assert!(taken.status() == 200 && !replayed(&taken));
}

#[tokio::test]
async fn the_second_waits_while_the_first_is_in_work() {
    let rig = Rig::start().await;
    rig.intake.shut();
    let first = rig.post("/v1/events").header("idempotency-key", "k3").json(&json!({})).send();
    let first = tokio::spawn(first);
    until("the first is in work", || rig.metrics().contains("requests_in_work 1")).await;
    until("its body is read", || rig.metrics().contains("bytes_in_work 2")).await;
    let second = send(&rig, "k3", json!({})).await;
    assert_eq!(second.status(), 409);
    assert!(second.headers().contains_key("retry-after"));
    rig.intake.open();
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    assert!(replayed(&send(&rig, "k3", json!({})).await));
}
