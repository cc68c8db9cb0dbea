//! `POST /v1/dead-letters`: what is taken, under which ids it can be asked for, and what is not taken.

use milepost::pipeline::{Form, Pressure, Taken};
use serde_json::{Value, json};

use super::recorder::{Mood, refusal};
use super::rig::Rig;

const LETTER: &str = r#"{"payload":"{\"a\": 1}","headers":{"content-type":"application/json"},"target":"erp","reason":"422","attempts":3}"#;

#[tokio::test]
async fn a_letter_is_handed_over_whole_and_answered_with_its_id() {
    let rig = Rig::start().await;
    let taken = Taken {
        payload_id: "1f".into(),
        accepted: 2,
        duplicates: 1,
        repeated: vec![2],
        refusals: vec![refusal(1, "missing_field", "/payload", "nothing")],
        ..Taken::default()
    };
    rig.intake.answers(taken);
    let response =
        rig.post("/v1/dead-letters").header("content-type", "application/json").body(LETTER).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(
        answer["payload_ids"],
        json!(["1f.0", "1f.3"]),
        "neither the refused one nor the repeated one: {answer}"
    );
    let arrival = rig.intake.only();
    assert_eq!((arrival.form, &arrival.body[..]), (Form::DeadLetters, LETTER.as_bytes()));
}

#[tokio::test]
async fn what_is_no_letter_and_what_comes_at_a_bad_time_is_told_apart() {
    let rig = Rig::start().await;
    let send = |content_type: &'static str| {
        rig.post("/v1/dead-letters").header("content-type", content_type).body(LETTER).send()
    };
    assert_eq!(send("text/plain").await.unwrap().status(), 415);
    rig.intake.feels(Mood::Pressed(Pressure::Full));
    let full = send("application/json").await.unwrap();
    assert_eq!(full.status(), 503);
    assert!(full.headers().contains_key("retry-after"));
    let got = reqwest::Client::new().get(format!("http://{}/v1/dead-letters", rig.events)).send().await.unwrap();
    assert_eq!((got.status().as_u16(), got.headers()["allow"].to_str().unwrap()), (405, "POST"));
}
