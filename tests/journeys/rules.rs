//! Definitions that change while the server runs: good ones hold from now on, bad ones change nothing and are told.

use serde_json::json;

use crate::server::{Server, order, until};

const OWN: &str = r#"
[[slas]]
key = "order-release"
title = "Release within a blink"
within = "1s"
"#;

#[tokio::test]
async fn a_tenants_overlay_is_taken_up_and_a_broken_one_is_told() {
    let own = tempfile::tempdir().unwrap();
    let server = Server::start_with(&["--definitions", own.path().to_str().unwrap()]).await;
    server.send(&json!([order("SO-1", 0)])).await;
    until("the order is there", || server.workflow("SO-1")).await;

    std::fs::create_dir_all(own.path().join("tenants/acme")).unwrap();
    let overlay = own.path().join("tenants/acme/order-to-cash.toml");
    std::fs::write(&overlay, OWN).unwrap();
    until("the overlay holds", || async {
        let flow = server.workflow("SO-1").await?;
        let titles: Vec<&str> = flow["slas"].as_array()?.iter().filter_map(|s| s["title"].as_str()).collect();
        titles.contains(&"Release within a blink").then_some(())
    })
    .await;
    until("the list has it too", || async {
        let list = server.ask("/api/v1/workflows?status=breached").await?;
        (list["total"] == 1).then_some(())
    })
    .await;

    std::fs::write(&overlay, OWN.replace("1s", "soon")).unwrap();
    let page = until("the page tells", || async {
        let (_, page) = server.page("/t/acme/board").await;
        page.contains("cannot be used").then_some(page)
    })
    .await;
    assert!(page.contains("tenants/acme/order-to-cash.toml:5:1"), "{page}");
    let flow = server.workflow("SO-1").await.unwrap();
    assert!(flow["slas"].to_string().contains("Release within a blink"), "the last good set stays");
}
