//! Pages as a browser gets them, and as people use them.

use std::process::Command;

use serde_json::json;

use crate::server::{PROJECT, Server, event, order, until};

/// Tells one browser story; it sends what it needs by itself.
pub fn browser(server: &Server, story: &str) {
    let ran = Command::new("node")
        .arg(format!("tests/clients/browser/{story}.mjs"))
        .args([&server.http, server.tenant, &server.send_key, &server.read_key])
        .current_dir(PROJECT)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{story}:\n{said}");
}

#[tokio::test]
async fn in_a_browser_an_order_moves_without_reloading() {
    browser(&Server::start().await, "moves");
}

#[tokio::test]
async fn in_a_browser_exceptions_are_taken_before_everybodys_eyes() {
    browser(&Server::start().await, "exceptions");
}

#[tokio::test]
async fn in_a_browser_a_failure_is_followed_to_its_field() {
    browser(&Server::start().await, "failures");
}

#[tokio::test]
async fn in_a_browser_a_proof_of_delivery_makes_a_bill_ready() {
    browser(&Server::start().await, "readiness");
}

#[tokio::test]
async fn in_a_browser_a_failure_is_mended_and_proven() {
    browser(&Server::start().await, "mends");
}

#[tokio::test]
async fn in_a_browser_a_list_is_saved_and_taken_along() {
    browser(&Server::start().await, "views");
}

#[tokio::test]
async fn in_a_browser_every_page_serves_everybody() {
    browser(&Server::start().await, "pages");
}

#[tokio::test]
async fn every_page_is_there_empty_and_full() {
    let server = Server::start().await;
    let mut places: Vec<String> = [
        "board",
        "workflows",
        "held",
        "failures",
        "triage",
        "integrations",
        "exceptions",
        "exceptions?state=closed&sort=new",
        "alerts",
        "board?display=wall",
        "board?since=06:00",
        "objects",
        "replays",
        "readiness",
        "reconciliation",
        "slas",
        "slas/breaches",
        "process",
        "definitions",
        "insights",
        "views",
        "insights?weeks=52&by=carrier",
        "workflows?status=breached&sort=due",
        "workflows?q=customer:acme",
    ]
    .iter()
    .map(|p| format!("/t/{}/{p}", server.tenant))
    .collect();
    for place in &places {
        let (status, page) = server.page(place).await;
        assert_eq!(status, 200, "{place}: {page}");
        assert!(page.trim_start().to_lowercase().starts_with("<!doctype html>"), "{place}");
    }
    let lines = json!([{"order": "SO-P", "line": "10", "sku": "AB-77", "quantity": "5", "unit": "EA"}]);
    server
        .send(&json!([
            order("SO-P", 0),
            event(
                "shipment.created",
                "wms-P",
                ("shipment", "SH-P"),
                json!({"order": ["SO-P"]}),
                60,
                json!({"lines": lines})
            )
        ]))
        .await;
    until("the order is there", || server.workflow("SO-P")).await;
    for view in ["", "/quantities", "/documents", "/payloads"] {
        places.push(format!("/t/{}/w/order/SO-P{view}", server.tenant));
    }
    for place in &places {
        let (status, page) = server.page(place).await;
        assert_eq!(status, 200, "{place}: {page}");
    }
    let (status, page) = server.page(&format!("/t/{}/w/order/NOBODY", server.tenant)).await;
    assert_eq!(status, 404, "{page}");
    for file in ["workflows.csv", "exceptions.xlsx", "held.json", "failures.csv?head=no"] {
        let (status, page) = server.page(&format!("/t/{}/{file}", server.tenant)).await;
        assert_eq!(status, 200, "{file}: {page}");
    }
    for probe in ["/livez", "/readyz", "/metrics"] {
        let (status, body) = server.page(probe).await;
        assert_eq!(status, 200, "{probe}: {body}");
    }
}
