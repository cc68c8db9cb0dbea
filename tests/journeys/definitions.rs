//! A definition changes under a running server: what began keeps its version until it is migrated, and what a change
//! would do can be asked before.

use std::process::Command;

use serde_json::{Value, json};

use crate::server::{MILEPOST, PROJECT, Server, event, order, until};

fn milepost(args: &[&str]) -> (bool, String) {
    let ran = Command::new(MILEPOST).args(args).current_dir(PROJECT).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    (ran.status.success(), text)
}

#[tokio::test]
async fn a_workflow_keeps_its_version_until_it_is_migrated() {
    let dir = tempfile::tempdir().unwrap();
    let shipped = std::fs::read_to_string(format!("{PROJECT}/definitions/order-to-cash.toml")).unwrap();
    let folder = dir.path().to_str().unwrap();
    let server = Server::start_with(&["--definitions", folder]).await;
    let (_, operate) =
        milepost(&["key", "create", "--data-dir", server.folder().to_str().unwrap(), "--tenant", "acme", "--operate"]);
    let operate = operate.trim();
    server.send(&order("OLD", 0)).await;
    let version = |id: &'static str| {
        let server = &server;
        async move { server.workflow(id).await?["definition_version"].as_u64() }
    };
    until("the old order is there", || async { version("OLD").await.filter(|v| *v == 1) }).await;

    // A new version for what begins from the 20th on: the release is to come within a minute.
    let newer = shipped
        .replace("version = 1", "version = 2\nsince = \"2026-11-20\"")
        .replace("title = \"Order to cash\"", "title = \"Order to cash, faster\"")
        .replace("within = \"30m\"", "within = \"1m\"");
    std::fs::write(dir.path().join("order-to-cash@1.toml"), &shipped).unwrap();
    std::fs::write(dir.path().join("order-to-cash.toml"), &newer).unwrap();
    until("the server has taken up the new version", || async {
        let list = server.ask("/api/v1/definitions").await?;
        list["items"].as_array()?.iter().find(|d| d["versions"] == json!([2, 1])).map(drop)
    })
    .await;
    server.send(&order("NEW", 11 * 1440)).await;
    let released = event("order.released", "erp-r", ("order", "OLD"), json!({}), 10, json!({}));
    server.send(&released).await;
    until("the new order goes by the new version", || async { version("NEW").await.filter(|v| *v == 2) }).await;
    let old = until("the old order is released", || async {
        let old = server.workflow("OLD").await?;
        (old["stage"] == "released").then_some(old)
    })
    .await;
    let verdict = |workflow: &Value| {
        let slas = workflow["slas"].as_array().unwrap().clone();
        slas.into_iter().find(|s| s["policy"] == "order-release").unwrap()["verdict"].clone()
    };
    assert_eq!((&old["definition_version"], verdict(&old)), (&1.into(), "met".into()));

    // Asked before it is done: what would the new version have made of it?
    let (well, said) =
        milepost(&["check", "--definitions", folder, "--history", "3650d", "--url", &server.http, "--key", operate]);
    assert!(well, "{said}");
    assert!(said.contains("definition order-to-cash v2") && said.contains("v1 kept"), "{said}");
    assert!(said.contains("sla order-release: met late instead of met, for example order/OLD"), "{said}");

    let migrate = ["definition", "migrate", "order-to-cash", "--url", &server.http, "--key", operate, "--to"];
    let (well, said) = milepost(&[&migrate[..], &["7", "--reason", "none"]].concat());
    assert!(!well && said.contains("there are 2, 1"), "{said}");
    let (well, said) = milepost(&[&migrate[..], &["2", "--reason", "agreed with sales"]].concat());
    assert!(well && said.contains("1 workflows go by version 2"), "{said}");
    let old = until("the old order goes by the new version", || async {
        let old = server.workflow("OLD").await?;
        (old["definition_version"] == 2).then_some(old)
    })
    .await;
    assert_eq!(verdict(&old), "met_late");
    assert_eq!(old["activity"][0]["data"]["reason"], "agreed with sales", "{}", old["activity"]);

    // What cannot be used changes nothing and is told with its place.
    std::fs::write(dir.path().join("order-to-cash.toml"), newer.replace("key = \"released\"", "key = \"releasd\""))
        .unwrap();
    let (well, said) = milepost(&["check", "--definitions", folder]);
    assert!(!well && said.contains("order-to-cash.toml:") && said.contains("no milestone `released`"), "{said}");
    until("the page tells of the fault", || async {
        let (status, page) = server.page("/t/acme/definitions").await;
        (status == 200 && page.contains("no milestone `released`")).then_some(())
    })
    .await;
    assert_eq!(version("OLD").await, Some(2));

    // What was changed is marked for whoever is on call.
    let (_, made) = milepost(&[
        "key",
        "create",
        "--data-dir",
        server.folder().to_str().unwrap(),
        "--tenant",
        "acme",
        "--source",
        "late/comer",
    ]);
    assert!(made.starts_with("mp_"), "{made}");
    until("triage tells of the definition and the key", || async {
        let (_, page) = server.page("/t/acme/triage").await;
        let told = page.contains("definition order-to-cash.toml was changed")
            || page.contains("definition order-to-cash.toml was added");
        (told && page.contains("was made to send as late/comer")).then_some(())
    })
    .await;
}
