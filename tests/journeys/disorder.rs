//! Events come in any order, any number of times, and may wait for what they hang from.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Server, event, milestone, order, until, until_within};

fn shipment(order: &str, id: &str) -> Value {
    let lines = json!([{"order": order, "line": "10", "sku": "AB-77", "quantity": "5", "unit": "EA"}]);
    event(
        "shipment.shipped",
        &format!("wms-{id}-shipped"),
        ("shipment", id),
        json!({"order": [order]}),
        300,
        json!({"lines": lines, "warehouse": "HAM-1"}),
    )
}

fn proof(id: &str) -> Value {
    event(
        "delivery.pod_received",
        &format!("tms-{id}-pod"),
        ("shipment", id),
        json!({}),
        2000,
        json!({"signer": "M. Brandt"}),
    )
}

async fn is_held(server: &Server, id: &str) -> Option<Value> {
    let held = server.ask("/api/v1/held").await?;
    let text = held.to_string();
    text.contains(&format!("\"{id}\""))
        .then_some(held)
        .or_else(|| text.contains(&format!("shipment/{id}")).then_some(Value::String(text)))
}

#[tokio::test]
async fn a_proof_that_comes_before_its_shipment_is_held_and_joins_at_once() {
    let mut server = Server::start().await;
    server.send(&order("SO-1", 0)).await;
    server.send(&proof("SH-1")).await;
    until("the proof is held", || is_held(&server, "SH-1")).await;
    until("the order is there without it", || async {
        (milestone(&server.workflow("SO-1").await?, "pod")["reached"] == "no").then_some(())
    })
    .await;

    // It waits over a restart, even an ugly one.
    server.kill();
    server.launch();
    until("the proof is still held", || is_held(&server, "SH-1")).await;

    let sent = Instant::now();
    server.send(&shipment("SO-1", "SH-1")).await;
    until_within(Duration::from_secs(5), "the proof has joined the order", || async {
        (milestone(&server.workflow("SO-1").await?, "pod")["reached"] == "full").then_some(())
    })
    .await;
    eprintln!("joined after {:?}", sent.elapsed());
    until("nothing is held", || async { is_held(&server, "SH-1").await.is_none().then_some(()) }).await;
}

#[tokio::test]
async fn the_same_event_again_changes_nothing_and_another_under_its_name_is_kept_apart() {
    let server = Server::start().await;
    let first = order("SO-2", 0);
    let answer = server.send(&first).await;
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(1), &json!(0)), "{answer}");
    for _ in 0..20 {
        let answer = server.send(&json!([first, first])).await;
        assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(0), &json!(2)), "{answer}");
    }
    let mut other = first.clone();
    other["data"]["customer"] = json!("Somebody Else");
    let answer = server.send(&other).await;
    assert_eq!(answer["accepted"], 0, "{answer}");
    assert_eq!(answer["rejected"][0]["code"], "conflicting_duplicate", "{answer}");

    let workflow = until("the order is there", || server.workflow("SO-2")).await;
    assert_eq!(workflow["customer"], "Nordwind Handels GmbH");
    let failures = until("the other is among the failures", || async {
        let failures = server.ask("/api/v1/failures").await?;
        failures.to_string().contains("conflicting_duplicate").then_some(failures)
    })
    .await;
    assert!(failures.to_string().contains("SO-2"), "{failures}");
    let rows = server.clickhouse("SELECT count() AS n FROM events WHERE object_id = 'SO-2'").await;
    assert_eq!(rows[0]["n"].to_string().trim_matches('"'), "1");
}

#[tokio::test]
async fn any_order_of_arrival_ends_in_the_same_workflow() {
    let server = Server::start().await;
    let lines = |order: &str| json!([{"order": order, "line": "10", "quantity": "5", "unit": "EA"}]);
    let story = |n: u32| {
        let (so, sh, inv) = (format!("SO-{n}"), format!("SH-{n}"), format!("INV-{n}"));
        let id = |verb: &str| format!("{verb}-{n}");
        vec![
            order(&so, 0),
            event("order.released", &id("released"), ("order", &so), json!({}), 20, json!({})),
            event("inventory.allocated", &id("allocated"), ("order", &so), json!({}), 40, json!({"lines": lines(&so)})),
            shipment(&so, &sh),
            event("shipment.delivered", &id("delivered"), ("shipment", &sh), json!({}), 1900, json!({})),
            proof(&sh),
            event(
                "invoice.issued",
                &id("issued"),
                ("invoice", &inv),
                json!({"shipment": [sh]}),
                2100,
                json!({"amount": {"value": "76.76", "currency": "EUR"}, "lines": [{"line": "10", "quantity": "5", "shipment": sh}]}),
            ),
            event("invoice.posted", &id("posted"), ("invoice", &inv), json!({}), 2130, json!({})),
            event(
                "payment.received",
                &id("paid"),
                ("payment", &format!("PAY-{n}")),
                json!({"invoice": [inv]}),
                5000,
                json!({"amount": {"value": "76.76", "currency": "EUR"}}),
            ),
        ]
    };
    // Forwards, backwards, and turned by three; each alone in its request.
    for (n, turn) in [(100_u32, 0_usize), (101, 1), (102, 2)] {
        let mut events = story(n);
        match turn {
            1 => events.reverse(),
            2 => events.rotate_left(3),
            _ => {}
        }
        for event in &events {
            server.send(event).await;
        }
    }
    let mut seen: Vec<String> = Vec::new();
    for n in 100..103 {
        let workflow = until(&format!("SO-{n} is paid"), || async {
            let workflow = server.workflow(&format!("SO-{n}")).await?;
            (milestone(&workflow, "paid")["reached"] == "full").then_some(workflow)
        })
        .await;
        // The same but for the names and for when we heard of it.
        let mut bare = json!({"status": workflow["status"], "stage": workflow["stage"], "lines": workflow["lines"], "readiness": workflow["readiness"]});
        bare["milestones"] = workflow["milestones"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| json!([m["key"], m["reached"], m["at"], m["by"]]))
            .collect();
        seen.push(bare.to_string().replace(&n.to_string(), "N"));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}
